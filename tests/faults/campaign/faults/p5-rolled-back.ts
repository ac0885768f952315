import { type Raising, raiseInTransactions } from '../../nemesis/transaction-actions.js'
import type { Check, Fault } from '../fault.js'
import { closeAll, openProbes, type Probe, type TimedOutcome } from './probe.js'

const SHARE = 0.2
const PROBES = 3
const SENDS_EACH = 10
/** That all tries of a send are struck happens to few: 0.2 to the fifth of them. */
const MAY_BE_REFUSED = 1

export const rolledBack: Fault = {
  name: 'P5',
  title: 'transactions fail with 40P01 (deadlock) and 40001 (serialization)',
  scale: `${100 * SHARE} % of all that append to a room`,
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'raise 40P01 and 40001', target: 'postgres' },
  ],
  start(world) {
    let raising: Raising | null = null
    let probes: Probe[] = []
    const outcomes: TimedOutcome[] = []
    return {
      async prepare() {
        probes = await openProbes(world, PROBES)
      },
      async inject() {
        raising = await raiseInTransactions(world.database, { share: SHARE, seed: world.seed })
        const { heal } = raising
        const sending = Promise.all(
          probes.map(async (probe) => {
            for (let sent = 0; sent < SENDS_EACH; sent += 1) outcomes.push(await probe.send())
          }),
        )
        return async () => {
          await sending
          await heal()
        }
      },
      async checks() {
        closeAll(probes)
        const raised = (await raising?.count()) ?? 0
        return [
          { name: 'transactions rolled back', checked: raised, violations: [], seen: String(raised) },
          repeatedInside(outcomes),
        ]
      },
    }
  },
}

function repeatedInside(outcomes: readonly TimedOutcome[]): Check {
  const refused = outcomes.flatMap((outcome) => (outcome.is === 'ok' ? [] : [outcome.code]))
  return {
    name: 'they are repeated inside: their senders notice nothing',
    checked: outcomes.length,
    violations: refused.length > MAY_BE_REFUSED ? refused.map((code) => `a send got ${code}`) : [],
    seen: `${refused.length} of ${outcomes.length} refused`,
  }
}
