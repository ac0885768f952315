import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { readConfig } from '../../apps/server/config/read-config.js'
import { buildHttp } from '../../apps/server/http/build-http.js'
import { Metrics } from '../../apps/server/ops/metrics.js'
import { Readiness } from '../../apps/server/ops/readiness.js'
import { attachRealtime, type Realtime } from '../../apps/server/realtime/attach-realtime.js'
import { SocketNotices } from '../../apps/server/realtime/socket-notices.js'
import { createTestSystem, type TestSystem } from '../../apps/testing/index.js'

/** The real HTTP and sockets over a system in memory, in this process. */
export type MemoryServer = {
  readonly url: string
  readonly system: TestSystem
  readonly io: Realtime['io']
  stop(): Promise<void>
}

export async function startMemoryServer(variables: Record<string, string> = {}): Promise<MemoryServer> {
  const notices = new SocketNotices()
  const limitFactor = Number(variables.PARLEY_LIMIT_FACTOR ?? '1000')
  const system = createTestSystem({ limitFactor, followsWallClock: true, ports: { notices } })
  const read = readConfig({ PARLEY_LIMIT_FACTOR: '1000', ...variables })
  if (!('config' in read)) throw new Error(read.mistakes.join('\n'))
  const { config } = read
  const { parley, bus } = system
  const logger = pino({ level: 'silent' })
  const metrics = new Metrics()
  await parley.start()
  const http = await buildHttp({
    parley,
    config,
    logger,
    metrics,
    readiness: new Readiness({}),
    overview: () => Promise.reject(new Error('nobody asks')),
  })
  const realtime = attachRealtime(http.server, { parley, config, logger, metrics, bus, notices })
  await http.listen({ host: '127.0.0.1', port: 0 })
  const { port } = http.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    system,
    io: realtime.io,
    async stop() {
      await realtime.drain()
      await http.close()
      parley.stop()
    },
  }
}
