import { holdConnections } from '../../nemesis/connection-actions.js'
import type { Check, Fault } from '../fault.js'
import { ONCE } from '../workload/try-http.js'
import type { World } from '../world.js'
import { closeAll, lostOf, openProbes, type Probe } from './probe.js'
import { rounds } from './rounds.js'
import { Turns } from './turns.js'

const EVERY_MS = 12_000
const HELD_MS = 5_000
const PROBES = 3
const TRIES = 10
/** The deadline of a call to the database, and some for the machine. */
const ANSWERED_WITHIN_MS = 8_000

export const noConnections: Fault = {
  name: 'P3',
  title: 'all connections to Postgres are held by others',
  topology: { postgres: { max_connections: '60' } },
  schedule: (_draw, scene) =>
    rounds(scene, EVERY_MS, () => ({
      forMs: HELD_MS,
      act: 'hold connections',
      target: 'postgres',
      suspends: ['L7', 'L10'],
    })),
  start(world) {
    const turns = new Turns()
    const answers: Answered[] = []
    let probes: Probe[] = []
    let held = 0
    return {
      async prepare() {
        probes = await openProbes(world, PROBES)
      },
      inject: (_step, moments) =>
        turns.healed(async () => {
          moments.began()
          const holding = await holdConnections(world.database)
          held = holding.held
          answers.push(...(await askAll(world)))
          return holding.heal
        }),
      async checks() {
        const violations = lostOf(probes)
        const checked = probes.length
        closeAll(probes)
        return [
          refusals(answers),
          { name: 'sockets stay up', checked, violations, seen: `${held} connections held` },
        ]
      },
    }
  },
}

type Answered = { readonly status: number; readonly retryAfter: string | null; readonly tookMs: number }

async function askAll({ instances, hotRoom: { owner, id } }: World): Promise<Answered[]> {
  const headers = { ...ONCE, authorization: `Bearer ${owner.login.accessToken}` }
  const asking = instances.flatMap(({ url }) =>
    Array.from({ length: TRIES }, async () => {
      const startedMs = performance.now()
      const answer = await fetch(`${url}/api/v1/rooms/${id}/messages`, {
        headers,
        signal: AbortSignal.timeout(15_000),
      }).catch(() => null)
      await answer?.text().catch(() => undefined)
      const retryAfter = answer?.headers.get('retry-after') ?? null
      return { status: answer?.status ?? 0, retryAfter, tookMs: performance.now() - startedMs }
    }),
  )
  return await Promise.all(asking)
}

function refusals(answers: readonly Answered[]): Check {
  const isHonest = ({ status, retryAfter, tookMs }: Answered) =>
    status === 503 && Number(retryAfter) > 0 && tookMs <= ANSWERED_WITHIN_MS
  const slowest = Math.max(0, ...answers.map(({ tookMs }) => tookMs))
  return {
    name: 'requests are refused in time, with 503 and Retry-After',
    checked: answers.length,
    violations: answers
      .filter((answer) => !isHonest(answer))
      .map(
        ({ status, retryAfter, tookMs }) =>
          `${status}, Retry-After ${retryAfter}, after ${Math.round(tookMs)} ms`,
      ),
    seen: `the slowest after ${(slowest / 1_000).toFixed(1)} s`,
  }
}
