import type { Contender } from '../arena.js'
import type { StepResult } from '../load/protocol.js'
import { untilIdle } from '../machine/quiescence.js'
import type { BenchSettings } from '../settings.js'
import type { Sustained } from '../sustained-rate.js'
import type { SystemName } from '../systems/system.js'

const IDLE_WITHIN_MS = 60_000

/** What a system that stores anything does behind its answers must not fall into the step of another. */
export async function rest(before: string, { quick, say }: BenchSettings): Promise<void> {
  if (!quick && !(await untilIdle(IDLE_WITHIN_MS)))
    say(`before ${before}: the servers' core does not come to rest`)
}

export type Searching<Name extends string = SystemName> = {
  readonly contender: Contender<Name>
  /** Asks for steps, each of so many messages a second. */
  readonly search: Generator<number, Sustained, StepResult>
}

/**
 * Searches for all systems at once, a step of each in turn: phases of a shared machine are longer than a step and shorter than a search,
 * and so fall on all systems alike.
 */
export async function searchInTurns<Name extends string>(
  searching: readonly Searching<Name>[],
  settings: BenchSettings,
): Promise<ReadonlyMap<Contender<Name>, Sustained>> {
  const found = new Map<Contender<Name>, Sustained>()
  const asked = new Map(searching.map((each) => [each, each.search.next()]))
  let last: string | null = null
  while (found.size < searching.length) {
    for (const each of searching) {
      const next = asked.get(each)
      if (next === undefined || next.done === true) continue
      const { contender, search } = each
      if (last !== 'bare') await rest(contender.name, settings)
      await contender.step(next.value / 2, settings.warmUpMs)
      const after = search.next(await contender.step(next.value, settings.stepMs))
      last = contender.name
      asked.set(each, after)
      if (after.done === true) found.set(contender, after.value)
    }
  }
  return found
}
