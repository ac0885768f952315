import { tapCommits } from '../../nemesis/connection-actions.js'
import type { Fault } from '../fault.js'
import { messageIn } from './new-message.js'

const SHARE = 0.1

export const lostCommits: Fault = {
  name: 'P2',
  title: 'connections to Postgres break between a commit and its answer',
  scale: `${100 * SHARE} % of all commits with messages`,
  topology: { postgresProxies: true },
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'cut at commit', target: 'postgres' },
  ],
  start({ database: { sql }, draw, instances }) {
    const cut: string[] = []
    return {
      async inject() {
        const heals = instances.flatMap(({ toPostgres }) =>
          toPostgres === null
            ? []
            : tapCommits(toPostgres, {
                storedBy: messageIn,
                verdict(stored) {
                  if (draw.chance() >= SHARE) return 'pass'
                  cut.push(stored)
                  return 'reset'
                },
              }),
        )
        return async () => {
          for (const heal of heals) await heal()
        }
      },
      async checks() {
        const texts = [...new Set(cut)].map((canary) => `canary-${canary}`)
        const rows = await sql<{ text: string }[]>`select text from messages where text = any(${texts})`
        return [
          {
            name: 'commits whose answer was lost',
            checked: rows.length,
            violations: [],
            seen: String(cut.length),
          },
        ]
      },
    }
  },
}
