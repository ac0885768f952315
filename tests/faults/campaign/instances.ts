import { once } from 'node:events'
import { createServer } from 'node:net'
import { type FaultyServer, startFaultyServer } from '../nemesis/faulty-server.js'
import { TcpProxy } from '../nemesis/tcp-proxy.js'
import type { Draw } from './draw.js'
import type { CampaignDatabase, CampaignRedis, Instance } from './parts.js'
import type { Topology } from './shape.js'

export type OwnedInstance = Instance & { close(): Promise<void> }

/** Below the ports that the system gives to outgoing connections, so that a port stays free while its server is down. */
const PORTS = { min: 20_000, max: 31_000 }

export type InstanceSetup = {
  readonly index: number
  readonly database: CampaignDatabase
  readonly redis: CampaignRedis | null
  readonly topology: Topology
  /** What all instances share. */
  readonly variables: Readonly<Record<string, string>>
  readonly draw: Draw
}

export async function openInstance(setup: InstanceSetup): Promise<OwnedInstance> {
  const { index, database, redis, topology } = setup
  const proxied = topology.postgresProxies
  const toPostgres = proxied ? await TcpProxy.start(database.url) : null
  const toBus = proxied ? await TcpProxy.start(database.url) : null
  const toRedis = redis === null ? null : await TcpProxy.start(redis.server.url, { seed: index + 1 })
  const port = await freePort(setup.draw)
  let variables: Record<string, string> = {
    ...setup.variables,
    ...topology.variables(index),
    PORT: String(port),
    DATABASE_URL: toPostgres?.url ?? database.url,
    DATABASE_DIRECT_URL: toBus?.url ?? database.url,
    ...(toRedis === null ? {} : { REDIS_URL: toRedis.url }),
  }
  const nodeArguments = topology.nodeArguments(index)
  const build = topology.main === undefined ? {} : { main: topology.main }
  let server: FaultyServer | null = null
  const lives: FaultyServer[] = []
  let isUp = false
  const present = (): FaultyServer => {
    if (server === null) throw new Error(`i${index + 1} was never started`)
    return server
  }
  return {
    name: `i${index + 1}`,
    index,
    url: `http://127.0.0.1:${port}`,
    toPostgres,
    toBus,
    toRedis,
    get server() {
      return present()
    },
    get isUp() {
      return isUp
    },
    async start(more = {}) {
      variables = { ...variables, ...more }
      server = await startFaultyServer(variables, { readyWithinMs: 60_000, nodeArguments, ...build })
      lives.push(server)
      isUp = true
    },
    output: () => lives.map((life) => life.output()).join(''),
    async kill() {
      isUp = false
      await present().kill()
    },
    async stop() {
      isUp = false
      return await present().stop()
    },
    signal: (signal) => present().signal(signal),
    async close() {
      server?.signal('SIGCONT')
      await server?.stop()
      await toPostgres?.close()
      await toBus?.close()
      await toRedis?.close()
    },
  }
}

async function freePort(draw: Draw): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = draw.between(PORTS.min, PORTS.max)
    const probe = createServer().listen(port, '127.0.0.1')
    // `once` rejects with whatever error comes first.
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
  throw new Error('no free port')
}
