import { killRedis, takeSnapshot } from '../../../nemesis/redis-actions.js'
import type { Fault } from '../../fault.js'
import { Changes } from './changes.js'
import { redisFault } from './redis-fault.js'

const CHANGES_MS = 6_000
const AWAY_MS = 1_500

/** That nothing of it comes back to life is judged by the checker (L6, L8, L9). */
export const returnsOld: Fault = redisFault({
  name: 'R4',
  title: 'Redis comes back with a snapshot of before deletes, removals and ended logins',
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [
    { atMs: 0, forMs: AWAY_MS, act: 'SIGKILL, back with what was', target: 'redis', redis: 'away' },
  ],
  start(world) {
    const changes = new Changes(world)
    return {
      async inject(_step, moments) {
        const snapshot = await takeSnapshot(world.redis)
        await changes.makeFor(CHANGES_MS)
        moments.began()
        const heal = await killRedis(world.redis, snapshot)
        return async () => {
          await heal()
          moments.over()
          await snapshot.remove()
        }
      },
      afterHeal: () => changes.end(),
      checks: async () => [changes.check()],
    }
  },
})

/** The same changes, while Redis is away: none of them could tell it. */
export const awayWhileChanging: Fault = redisFault({
  name: 'R18',
  title:
    'Redis is away exactly during deletes, removals and ended logins, and comes back with what was before',
  givenUpBy: 'all',
  unnoticed: { deliveredWithinMs: 1_000 },
  schedule: () => [{ atMs: 0, forMs: 0, act: 'SIGKILL, back with what was', target: 'redis', redis: 'away' }],
  start(world) {
    const changes = new Changes(world)
    return {
      async inject(_step, moments) {
        const snapshot = await takeSnapshot(world.redis)
        moments.began()
        const heal = await killRedis(world.redis, snapshot)
        await changes.makeFor(CHANGES_MS)
        return async () => {
          await heal()
          moments.over()
          await snapshot.remove()
        }
      },
      afterHeal: () => changes.end(),
      checks: async () => [changes.check()],
    }
  },
})
