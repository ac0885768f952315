import type { Check, Fault } from '../../fault.js'
import { requireRedis } from './redis-fault.js'
import { workDone } from './redis-use.js'

/** The same fault, of servers that have a Redis. */
export const withRedis = (fault: Fault): Fault => ({
  ...fault,
  name: `${fault.name}-redis`,
  title: `with Redis, ${fault.title}`,
  topology: { ...fault.topology, redis: {} },
  start(world) {
    const run = fault.start(world)
    const { redis } = requireRedis(world)
    let base = 0
    return {
      ...run,
      async prepare() {
        base = await workDone(redis)
        await run.prepare?.()
      },
      async checks(): Promise<readonly Check[]> {
        const count = (await workDone(redis)) - base
        const used = { name: 'Redis is used', checked: count, violations: [], seen: `${count} commands` }
        return [used, ...((await run.checks?.()) ?? [])]
      },
    }
  },
})
