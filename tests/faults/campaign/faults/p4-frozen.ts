import { setTimeout as sleep } from 'node:timers/promises'
import { suspendPostgres } from '../../nemesis/postgres-actions.js'
import type { Fault } from '../fault.js'
import { closeAll, openProbes, type Probe, type TimedOutcome } from './probe.js'

const FROZEN_MS = 30_000
const PROBES = 3
/** What was on the way when it froze has been answered by then. */
const AFTER_MS = 500

export const frozen: Fault = {
  name: 'P4',
  title: 'Postgres stands still (SIGSTOP) for 30 s',
  schedule: () => [
    { atMs: 0, forMs: FROZEN_MS, act: 'SIGSTOP', target: 'postgres', suspends: ['L7', 'L10'] },
  ],
  start(world) {
    let probes: Probe[] = []
    const outcomes: TimedOutcome[] = []
    const early: string[] = []
    return {
      async prepare() {
        probes = await openProbes(world, PROBES)
      },
      async inject(_step, moments) {
        moments.began()
        const heal = await suspendPostgres(world.database)
        let healedMs = Number.POSITIVE_INFINITY
        const sending = (async () => {
          await sleep(AFTER_MS)
          for (let left = 2; left > 0; left -= 1) {
            const answers = await Promise.all(probes.map((probe) => probe.send()))
            outcomes.push(...answers)
            for (const { is, endedMs } of answers)
              if (is === 'ok' && endedMs < healedMs) early.push('a send was acked while Postgres stood still')
          }
        })()
        return async () => {
          healedMs = performance.now()
          await heal()
          moments.over()
          await sending
        }
      },
      async checks() {
        closeAll(probes)
        return [
          {
            name: 'no ack while it stands still',
            checked: outcomes.length,
            violations: early,
            seen: outcomes.map((outcome) => (outcome.is === 'ok' ? 'ok' : outcome.code)).join(', '),
          },
        ]
      },
    }
  },
}
