import { setTimeout as sleep } from 'node:timers/promises'
import { restartPostgres } from '../../nemesis/postgres-actions.js'
import type { Fault } from '../fault.js'
import { rounds } from './rounds.js'
import { Turns } from './turns.js'

const EVERY_MS = 8_000
const BACK_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 100

export const restart: Fault = {
  name: 'P1',
  title: 'Postgres is restarted (fast shutdown) under load',
  schedule: (_draw, scene) =>
    rounds(scene, EVERY_MS, () => ({
      forMs: 0,
      act: 'restart',
      target: 'postgres',
      suspends: ['L7', 'L10'],
    })),
  start({ database, instances }) {
    const turns = new Turns()
    const pids: number[] = []
    const backMs: number[] = []
    const ready = async (): Promise<boolean> => {
      const looks = instances.map(({ url }) => fetch(`${url}/readyz`, { signal: AbortSignal.timeout(8_000) }))
      return (await Promise.allSettled(looks)).every((look) => look.status === 'fulfilled' && look.value.ok)
    }
    return {
      inject: (_step, moments) =>
        turns.healed(async () => {
          pids.push(await database.pid())
          const startedMs = performance.now()
          moments.began()
          const heal = await restartPostgres(database)
          return async () => {
            await heal()
            moments.over()
            while (!(await ready()) && performance.now() - startedMs < BACK_WITHIN_MS)
              await sleep(LOOK_EVERY_MS)
            backMs.push(performance.now() - startedMs)
          }
        }),
      checks: async () => [
        {
          name: 'every instance is ready again by itself',
          checked: new Set(pids).size,
          violations: backMs
            .filter((ms) => ms >= BACK_WITHIN_MS)
            .map((ms) => `not after ${Math.round(ms)} ms`),
          seen: `after ${backMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ')}`,
        },
      ],
    }
  },
}
