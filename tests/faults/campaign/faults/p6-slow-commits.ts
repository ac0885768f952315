import { quantile } from '../../checker/grouping.js'
import { delayCommits } from '../../nemesis/transaction-actions.js'
import type { Fault } from '../fault.js'
import { closeAll, openProbes, type Probe } from './probe.js'

const DELAY_MS = 100
const PROBED_SENDS = 15
/** A send waits for the commit before its own and for its own; twice that, for a loaded machine. */
const MEDIAN_WITHIN_MS = 4 * DELAY_MS

export const slowCommits: Fault = {
  name: 'P6',
  title: `every commit takes ${DELAY_MS} ms (commit_delay)`,
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'slow commits', target: 'postgres' },
  ],
  start(world) {
    let probes: Probe[] = []
    const tookMs: number[] = []
    return {
      async prepare() {
        probes = await openProbes(world, 1)
      },
      async inject() {
        const heal = await delayCommits(world.database, { byMs: DELAY_MS })
        const measuring = Promise.all(
          probes.map(async (probe) => {
            for (let sent = 0; sent < PROBED_SENDS; sent += 1) {
              const { is, startedMs, endedMs } = await probe.send()
              if (is === 'ok') tookMs.push(endedMs - startedMs)
            }
          }),
        )
        return async () => {
          await measuring
          await heal()
        }
      },
      async checks() {
        closeAll(probes)
        const median = quantile(tookMs, 0.5)
        const isSo = median >= DELAY_MS && median <= MEDIAN_WITHIN_MS
        return [
          {
            name: 'a send waits for its group and no longer',
            checked: tookMs.length,
            violations: isSo ? [] : [`the median is ${Math.round(median)} ms`],
            seen: `median ${Math.round(median)} ms`,
          },
        ]
      },
    }
  },
}
