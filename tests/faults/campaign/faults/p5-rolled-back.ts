import { type Raising, raiseInTransactions } from '../../nemesis/transaction-actions.js'
import type { Fault } from '../fault.js'

const SHARE = 0.2

export const rolledBack: Fault = {
  name: 'P5',
  title: 'transactions fail with 40P01 (deadlock) and 40001 (serialization)',
  scale: `${100 * SHARE} % of all that append to a room`,
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'raise 40P01 and 40001', target: 'postgres' },
  ],
  start({ database }) {
    let raising: Raising | null = null
    return {
      async inject() {
        raising = await raiseInTransactions(database, { share: SHARE })
        return raising.heal
      },
      async checks() {
        const raised = (await raising?.count()) ?? 0
        return [{ name: 'transactions rolled back', checked: raised, violations: [], seen: String(raised) }]
      },
    }
  },
}
