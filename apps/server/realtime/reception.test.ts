import { fastifyCookie } from '@fastify/cookie'
import fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TokenPort } from '../../../core/ports/token-port.js'
import { encodeFrame, RawSocket } from '../../../tests/server/hostile/raw-socket.js'
import { until } from '../../../tests/support/person.js'
import { createTestSystem, type TestSystem } from '../../testing/index.js'
import { readConfig } from '../config/read-config.js'
import { Metrics } from '../ops/metrics.js'
import { attachRealtime, type Realtime } from './attach-realtime.js'
import { SOCKETS_PER_USER } from './limits.js'
import { SocketNotices } from './socket-notices.js'

let http: FastifyInstance
let system: TestSystem
let realtime: Realtime
let url: string

const AT_ONCE = 2 * SOCKETS_PER_USER

/** Checks tokens, and tells the outcome of all that come together in one moment. */
function checkedTogether(tokens: TokenPort): TokenPort {
  const waiting: (() => void)[] = []
  const verifyAccess = async (token: string) => {
    const claims = await tokens.verifyAccess(token)
    const arrival = new Promise<void>((resolve) => waiting.push(resolve))
    if (waiting.length === AT_ONCE) for (const tell of waiting) tell()
    await arrival
    return claims
  }
  return {
    signAccess: (claims) => tokens.signAccess(claims),
    verifyAccess,
    mintSecret: () => tokens.mintSecret(),
    digest: (text) => tokens.digest(text),
  }
}

/** The real sockets over a system in memory. */
beforeEach(async () => {
  const notices = new SocketNotices()
  system = createTestSystem({ limitFactor: 1_000, followsWallClock: true })
  const tokens = checkedTogether(system.ports.tokens)
  const { parley, bus } = createTestSystem({ shared: system.shared, ports: { notices, tokens } })
  const read = readConfig({ PARLEY_LIMIT_FACTOR: '1000' })
  if (!('config' in read)) throw new Error(read.mistakes.join('\n'))
  // The sockets read cookies with the parser of the plugin, which is there once that is loaded.
  http = fastify()
  await http.register(fastifyCookie)
  realtime = attachRealtime(http.server, {
    parley,
    config: read.config,
    logger: pino({ level: 'silent' }),
    metrics: new Metrics(),
    bus,
    notices,
  })
  url = await http.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(async () => {
  await realtime.drain()
  await http.close()
})

describe('Reception', () => {
  it('tells whoever is one too many so at the door, and sends nobody away, when all come at once', async () => {
    const { accessToken } = await system.signUpUser('Ann')
    const raw = await RawSocket.open(url)
    const asking = encodeFrame({ payload: `40${JSON.stringify({ token: accessToken })}` })
    await raw.write(Buffer.concat(Array.from({ length: AT_ONCE }, () => asking)))
    const answers = () => raw.received.filter((text) => /^4[04]/.test(text))
    await until('all are answered', () => answers().length === AT_ONCE || raw.closed)
    expect(raw.received.filter((text) => text.includes('session:ended'))).toEqual([])
    expect(answers().filter((text) => text.startsWith('40'))).toHaveLength(SOCKETS_PER_USER)
    expect(answers().filter((text) => text.includes('RATE_LIMITED'))).toHaveLength(SOCKETS_PER_USER)
    raw.destroy()
  })
})
