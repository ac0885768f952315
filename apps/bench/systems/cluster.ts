import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Target } from '../arena.js'
import { spawnOn } from '../machine/pinning.js'
import { undoing } from '../machine/undoing.js'
import { environmentFor, NODE_ARGS } from './system.js'

const MAIN = fileURLToPath(new URL('../../cluster/main.js', import.meta.url))

const INSTANCE = /^Instance \d+: (http:\/\/\S+) /
const READY = /^Parley is ready: /
const READY_WITHIN_MS = 90_000

export type ClusterOptions = {
  readonly instances: number
  readonly dataDir: string
  readonly authSecret: string
}

/**
 * Instances with their Postgres and Redis, all on the server's core; nobody goes through the balancer, which is not what is measured. Whether
 * there was a Redis is told as well.
 */
export async function startCluster(
  options: ClusterOptions,
): Promise<Target & { readonly hasRedis: boolean }> {
  const { instances } = options
  const child = spawnOn('server', [...NODE_ARGS, MAIN, '--instances', String(instances)], {
    env: environmentFor(options),
  })
  const exited = once(child, 'exit')
  const stop = undoing(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  })
  const timer = setTimeout(() => child.kill('SIGTERM'), READY_WITHIN_MS)
  const urls: string[] = []
  let hasRedis = false
  const ready = new Promise<true>((resolve) => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = INSTANCE.exec(line)?.[1]
      if (url !== undefined) urls.push(url)
      if (line.startsWith('Redis: ')) hasRedis = true
      if (READY.test(line)) resolve(true)
    })
  })
  const isReady = await Promise.race([ready, exited.then(() => false)])
  clearTimeout(timer)
  const [first, ...others] = urls
  if (!isReady || first === undefined || child.pid === undefined)
    throw new Error('the cluster ended before it was ready')
  return { urls: [first, ...others], pid: child.pid, hasRedis, stop }
}
