import { untilIdle } from '../machine/quiescence.js'
import type { BenchSettings } from '../settings.js'

const IDLE_WITHIN_MS = 60_000

/** Before the turn of a system: what those before it still do behind their answers must not fall into it. */
export async function rest(before: string, { quick, say }: BenchSettings): Promise<void> {
  if (!quick && !(await untilIdle(IDLE_WITHIN_MS)))
    say(`before ${before}: the servers' core does not come to rest`)
}
