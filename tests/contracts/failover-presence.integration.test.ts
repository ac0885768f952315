import { describe, it } from 'vitest'
import { FailoverPresence } from '../../adapters/failover/index.js'
import { PostgresPresence, ProcessLease } from '../../adapters/postgres/index.js'
import { RedisPresence } from '../../adapters/redis/index.js'
import { failingRedis, OUTAGES } from '../support/failing-redis.js'
import { lanesOf } from '../support/lanes.js'
import { passTimeMs } from '../support/pass-time.js'
import { describeWithRedis } from '../support/redis.js'
import { presencePortContract } from './presence-port.contract.js'

const LANES = lanesOf(Object.entries(presencePortContract), 2)

describeWithRedis('presence that fails over from Redis', () => {
  describe.concurrent.each(OUTAGES)('that is %s', (_name, mode) => {
    describe.each(LANES)('%s', (_lane, behaviours) => {
      const { databases, processes, close } = failingRedis()

      it.sequential.each(behaviours)('FailoverPresence: %s', async (_behaviour, verify) => {
        const pair = await processes(mode)
        const [first, second] = databases()
        await first.call('test', (sql) => sql`truncate process_leases, presence_sockets, live_sessions`)
        const leaseMs = 2_500
        let booted = 0
        const boot = () => {
          booted += 1
          const redis = pair[booted % 2 === 0 ? 0 : 1]
          const database = booted % 2 === 0 ? first : second
          const presence = new FailoverPresence(
            {
              primary: new RedisPresence(redis, leaseMs),
              fallback: new PostgresPresence(database, new ProcessLease(database, leaseMs)),
            },
            redis.health,
          )
          close(() => presence.leave())
          return presence
        }
        await verify({ boot, leaseMs, passTimeMs })
      })
    })
  })
})
