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
    let used: number | null = null
    return {
      ...run,
      async prepare() {
        base = await workDone(redis)
        await run.prepare?.()
      },
      async inject(step, moments) {
        // Later on a server that starts writes as well, to see whether Redis can be used.
        used ??= (await workDone(redis)) - base
        return run.inject(step, moments)
      },
      async checks(): Promise<readonly Check[]> {
        const count = used ?? 0
        const check = {
          name: 'Redis is used before',
          checked: count,
          violations: [],
          seen: `${count} writes`,
        }
        return [check, ...((await run.checks?.()) ?? [])]
      },
    }
  },
})
