import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.js'
import { inGroups } from '../workload/rooms.js'
import type { World } from '../world.js'

const READS = 1_000
const ANSWERED_WITHIN_MS = 10_000

type Answer = { readonly status: number; readonly ms: number; readonly retryAfterMs: unknown }

/** Everybody asks for the newest page of one room at the same moment, at every instance. */
export const stampede: Fault = {
  name: 'H2',
  title: 'a thousand reads of one room at once',
  scale: `${READS} reads`,
  schedule: (draw, { seconds }) =>
    [0.2, 0.6].map((share) => ({
      atMs: Math.round(share * seconds * 1_000) + draw.between(0, 500),
      forMs: 0,
      act: `${READS} reads`,
      target: 'hot room',
    })),
  start(world) {
    const answers: Answer[] = []
    let loads = 0
    return {
      async inject() {
        const before = await loadsSoFar(world)
        answers.push(...(await readAllAtOnce(world)))
        // Backends tell what they did within a second.
        await sleep(1_500)
        loads = Math.max(loads, (await loadsSoFar(world)) - before)
        return undefined
      },
      checks: async () => [judge(answers, loads)],
    }
  },
}

/** How often a statement looked into the index by which pages of messages are read. */
async function loadsSoFar({ database }: World): Promise<number> {
  const [row] = await database.sql<{ scans: number }[]>`
    select idx_scan as scans from pg_stat_user_indexes where indexrelname = 'messages_by_seq'`
  return row?.scans ?? 0
}

function readAllAtOnce({ hotRoom, instances }: World): Promise<Answer[]> {
  // Others may be removed meanwhile.
  const { accessToken } = hotRoom.owner.login
  return inGroups(Array.from({ length: READS }), READS, async (_, index) => {
    const at = instances[index % instances.length]
    const startedMs = performance.now()
    const url = `${at?.url}/api/v1/rooms/${hotRoom.id}/messages?limit=50`
    const { status, body } = await getOnce(url, accessToken)
    return { status, ms: performance.now() - startedMs, retryAfterMs: body?.retryAfterMs }
  })
}

type Got = { readonly status: number; readonly body: { readonly retryAfterMs?: unknown } | null }

/** Over a connection of its own, which is closed with the answer. */
function getOnce(url: string, token: string): Promise<Got> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    const asked = get(url, { agent: false, headers, timeout: 2 * ANSWERED_WITHIN_MS }, async (response) => {
      const answer = await text(response).catch(() => 'null')
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) as Got['body'] })
    })
    asked.on('error', () => resolve({ status: 0, body: null }))
    asked.on('timeout', () => asked.destroy())
  })
}

function judge(answers: readonly Answer[], loads: number) {
  const slow = answers.filter(({ ms }) => ms > ANSWERED_WITHIN_MS).length
  const wrong = answers.filter(
    ({ status, retryAfterMs }) => status !== 200 && !(status === 503 && typeof retryAfterMs === 'number'),
  )
  const refused = answers.filter(({ status }) => status === 503).length
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  return {
    name: 'reads of a stampede',
    checked: answers.length,
    violations: [
      ...(slow > 0 ? [`${slow} took more than ${ANSWERED_WITHIN_MS / 1_000} s`] : []),
      ...(wrong.length > 0
        ? [`${wrong.length} were answered ${[...new Set(wrong.map(({ status }) => status))].join(', ')}`]
        : []),
    ],
    seen: `${refused} refused with retryAfterMs, the slowest after ${slowest.toFixed(0)} ms, ${loads} loads of the database for ${READS} reads`,
  }
}
