import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../../checker/grouping.js'
import type { Check } from '../fault.js'
import type { Probe } from './probe.js'

/** On a machine whose only two cores serve all clients as well. */
const ALLOWED = { factor: 2, ms: 250 }
const SEND_EVERY_MS = 50

export type Sends = { readonly tookMs: readonly number[]; readonly refused: readonly string[] }

/** What probes see that send one message after another while something else goes on. */
export async function sendMeanwhile(probes: readonly Probe[], work: Promise<unknown>): Promise<Sends> {
  const tookMs: number[] = []
  const refused: string[] = []
  let isOver = false
  const end = () => {
    isOver = true
  }
  work.then(end, end)
  const sending = probes.map(async (probe) => {
    while (!isOver && probe.isOpen) {
      const outcome = await probe.send()
      if (outcome.is === 'ok') tookMs.push(outcome.endedMs - outcome.startedMs)
      else refused.push(`a send got ${outcome.code}`)
      await sleep(SEND_EVERY_MS)
    }
  })
  await Promise.all([work, ...sending])
  return { tookMs, refused }
}

/** That the p99 during a fault is that without it, as nearly as can be told here, and that nothing is refused. */
export function asFast(name: string, without: Sends, during: Sends): Check {
  const [normal, seen] = [quantile(without.tookMs, 0.99), quantile(during.tookMs, 0.99)]
  const told = `p99 ${Math.round(seen)} ms, and ${Math.round(normal)} ms without it`
  const isSo = seen <= Math.max(ALLOWED.factor * normal, normal + ALLOWED.ms)
  return {
    name,
    checked: Math.min(without.tookMs.length, during.tookMs.length),
    violations: [...without.refused, ...during.refused, ...(isSo ? [] : [told])],
    seen: told,
  }
}
