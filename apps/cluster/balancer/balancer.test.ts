import { once } from 'node:events'
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Backend } from './backends.js'
import { Balancer } from './balancer.js'

/** A small server of sockets that says its name, with whatever HTTP a test needs. */
class NamedServer {
  readonly held: ServerResponse[] = []
  private readonly http: HttpServer
  private readonly io: Server

  constructor(readonly name: string) {
    this.http = createServer((request, response) => {
      if (request.url === '/held') this.held.push(response)
      else if (request.url === '/half') response.write('half of it')
      else response.end(JSON.stringify({ name, headers: request.headers }))
    })
    this.io = new Server(this.http)
    this.io.on('connection', (socket) => socket.on('where', (answer) => answer(name)))
  }

  async listen(): Promise<Backend> {
    this.http.listen(0, '127.0.0.1')
    await once(this.http, 'listening')
    return { url: `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`, isReady: true }
  }

  /** As if it were killed: all connections end at once, and nobody listens any more. */
  async kill(): Promise<void> {
    if (!this.http.listening) return
    const closed = once(this.http, 'close')
    this.http.close()
    this.http.closeAllConnections()
    this.io.disconnectSockets(true)
    await closed
  }
}

let balancer: Balancer
let url: string
const servers: NamedServer[] = []
const sockets: Socket[] = []

beforeEach(async () => {
  balancer = new Balancer([])
  url = `http://127.0.0.1:${await balancer.listen('127.0.0.1', 0)}`
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect()
  await balancer.close()
  await Promise.all(servers.splice(0).map((server) => server.kill()))
})

async function add(name: string): Promise<{ server: NamedServer; backend: Backend }> {
  const server = new NamedServer(name)
  servers.push(server)
  const backend = await server.listen()
  balancer.backends.add(backend)
  return { server, backend }
}

async function client(transports: ('polling' | 'websocket')[]): Promise<Socket> {
  const socket = io(url, { transports, reconnection: false, forceNew: true })
  sockets.push(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('connect_error', reject)
  })
  return socket
}

const where = (socket: Socket): Promise<string> => socket.timeout(5_000).emitWithAck('where')
const get = (path = '/', headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers })

type Told = { readonly name: string; readonly headers: Record<string, string> }
/** Which server answers, and what it was told. */
const ask = async (headers: Record<string, string> = {}) => (await (await get('/', headers)).json()) as Told

/** What comes back for raw bytes, until the other side ends. */
async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

const UPGRADE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
].join('\r\n')

describe('Balancer', () => {
  it('answers UNAVAILABLE while there is no server, to requests and to upgrades', async () => {
    const answer = await get()
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({ status: 503, code: 'UNAVAILABLE', retryAfterMs: 1_000 })
    expect(await raw(UPGRADE)).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"UNAVAILABLE"/)
  })

  it('answers UNAVAILABLE where a server has died unnoticed, to requests and to upgrades', async () => {
    const { server } = await add('a')
    await server.kill()
    expect((await get()).status).toBe(503)
    expect(await raw(UPGRADE)).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"UNAVAILABLE"/)
  })

  it('breaks off an answer whose server dies in the middle of it', async () => {
    const { server } = await add('a')
    const answer = await get('/half')
    const body = answer.text()
    await server.kill()
    await expect(body).rejects.toThrow()
  })

  it('spreads requests', async () => {
    await add('a')
    await add('b')
    const names: string[] = []
    for (let index = 0; index < 4; index++) names.push((await ask()).name)
    expect(names.sort()).toEqual(['a', 'a', 'b', 'b'])
  })

  it('tells servers who asks, whatever a client says', async () => {
    await add('a')
    const { headers } = await ask({ 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' })
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' })
    expect(headers.host).toBe(new URL(url).host)
  })

  it('believes a proxy before it that it was told to trust', async () => {
    await balancer.close()
    balancer = new Balancer(['loopback'])
    url = `http://127.0.0.1:${await balancer.listen('127.0.0.1', 0)}`
    await add('a')
    const { headers } = await ask({ 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' })
    expect(headers).toMatchObject({ 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' })
  })

  it.each([
    { transports: ['polling'] as const },
    { transports: ['polling', 'websocket'] as const },
    { transports: ['websocket'] as const },
  ])('keeps each session of $transports at one server', async ({ transports }) => {
    await add('a')
    await add('b')
    const all = await Promise.all(Array.from({ length: 6 }, () => client([...transports])))
    const first = await Promise.all(all.map(where))
    expect([...new Set(first)].sort()).toEqual(['a', 'b'])
    for (let round = 0; round < 5; round++) expect(await Promise.all(all.map(where))).toEqual(first)
    expect(all.map(({ connected }) => connected)).not.toContain(false)
    const used = all.map((socket) => socket.io.engine.transport.name)
    expect([...new Set(used)]).toEqual([transports.at(-1)])
  })

  it('holds as many requests open as there are', async () => {
    const { server } = await add('a')
    const answers = Array.from({ length: 400 }, () => get('/held'))
    await expect.poll(() => server.held.length, { timeout: 10_000 }).toBe(400)
    for (const response of server.held) response.end()
    expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true)
  })

  it('ends the sockets of a server that dies, whose clients then come to another', async () => {
    const { server, backend } = await add('a')
    const socket = await client(['websocket'])
    await add('b')
    const gone = once(socket as never, 'disconnect')
    balancer.backends.remove(backend)
    await server.kill()
    await gone
    expect(await where(await client(['websocket']))).toBe('b')
  })

  it('frees the place of a socket that ends, and of a request', async () => {
    await add('a')
    const socket = await client(['websocket'])
    await add('b')
    expect((await ask()).name).toBe('b')
    const left = once(socket as never, 'disconnect')
    socket.disconnect()
    await left
    // Both are free again, and it was the other's turn.
    await expect.poll(async () => (await ask()).name).toBe('a')
  })
})
