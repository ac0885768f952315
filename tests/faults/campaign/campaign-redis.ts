import { RedisServer } from '../../support/redis-server.js'
import { openAdmin, untilRedisAnswers } from '../nemesis/redis-actions.js'
import type { CampaignRedis } from './parts.js'
import type { RedisTopology } from './shape.js'

export type OwnedRedis = CampaignRedis & { stop(): Promise<void> }

/** A Redis of the run's own, which a fault may stop, freeze, fill or lead astray. */
export async function startRedis({ config = {}, isAbsent = false }: RedisTopology): Promise<OwnedRedis> {
  const server = await RedisServer.prepare({ config })
  if (!isAbsent) await server.restart()
  const redis = { server, client: openAdmin(server) }
  if (!isAbsent) await untilRedisAnswers(redis)
  return {
    ...redis,
    async stop() {
      redis.client.disconnect()
      server.thaw()
      await server.stop()
    },
  }
}
