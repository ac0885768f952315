import { KeptProcess } from '../../apps/cluster/kept-process.js'
import { PrivateRedis } from '../../apps/cluster/private-redis.js'

/** Keeps a Redis running until it is killed itself, and prints the pid of that. */
const redis = await PrivateRedis.prepare()
await new KeptProcess({
  name: 'Redis',
  launch: () => redis.launch(),
  serves: (child) => redis.serves(child),
  onUp: (_address, pid) => process.stdout.write(`${pid}\n`),
  onDown: () => undefined,
  say: () => undefined,
}).start()
