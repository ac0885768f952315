import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/postgres-cluster.js'
import { TcpProxy } from './tcp-proxy.js'

/** Nothing that passes at all takes longer on loopback. */
const QUIET_MS = 150

/** One end of a connection and what it has been sent. */
class End {
  received = Buffer.alloc(0)
  ended = false
  closed = false
  error: NodeJS.ErrnoException | null = null

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('error', (error) => {
      this.error = error
    })
    socket.on('close', () => {
      this.closed = true
    })
  }

  get text(): string {
    return this.received.toString()
  }
}

let server: Server
let proxy: TcpProxy
let arrived: End[]
let dialled: End[]

beforeEach(async () => {
  arrived = []
  dialled = []
  server = createServer({ allowHalfOpen: true }, (socket) => arrived.push(new End(socket))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  proxy = await TcpProxy.start(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, { seed: 7 })
})
afterEach(async () => {
  for (const { socket } of [...arrived, ...dialled]) socket.destroy()
  await proxy.close()
  server.close()
})

function dial(): End {
  const { port } = new URL(proxy.url)
  const end = new End(connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }))
  dialled.push(end)
  return end
}

/** Both ends of a new connection through the proxy. */
async function link(): Promise<{ client: End; target: End }> {
  const before = arrived.length
  const client = dial()
  await once(client.socket, 'connect')
  await eventually('the target is reached', () => arrived.length > before)
  const target = arrived[before]
  if (target === undefined) throw new Error('no connection arrived')
  return { client, target }
}

async function expectPasses({ client, target }: { client: End; target: End }, text: string): Promise<void> {
  client.socket.write(text)
  await eventually(`${text} reaches the target`, () => target.text.endsWith(text))
  target.socket.write(`${text}!`)
  await eventually(`${text}! reaches the client`, () => client.text.endsWith(`${text}!`))
}

describe('TcpProxy', () => {
  it('passes bytes both ways and the end of each direction by itself', async () => {
    const { client, target } = await link()
    const sent = Buffer.alloc(3_000_000, 'abcdefg')
    client.socket.end(sent)
    await eventually('all arrives', () => target.ended)
    expect(target.received.equals(sent)).toBe(true)
    expect(client.ended).toBe(false)
    target.socket.end('answer')
    await eventually('both are closed', () => client.closed && target.closed)
    expect(client.text).toBe('answer')
    expect([client.error, target.error]).toEqual([null, null])
    await eventually('the proxy has forgotten it', () => proxy.open === 0)
  })

  it('down: cuts what is open and refuses what comes, until it is up at the same address', async () => {
    const { client, target } = await link()
    await proxy.set({ is: 'down' })
    await eventually('both ends are told', () => client.ended && target.ended)
    const refused = dial()
    await eventually('it is refused', () => refused.error !== null)
    expect(refused.error?.code).toBe('ECONNREFUSED')
    await proxy.set({ is: 'up' })
    await expectPasses(await link(), 'again')
  })

  it('frozen: accepts, passes nothing and closes nothing; then passes everything that waited, in order', async () => {
    const { client, target } = await link()
    await expectPasses({ client, target }, 'before')
    await proxy.set({ is: 'frozen' })
    client.socket.write(' one')
    target.socket.write(' two')
    const late = dial()
    await once(late.socket, 'connect')
    late.socket.write('late')
    client.socket.end(' three')
    await sleep(QUIET_MS)
    expect([target.text, client.text, arrived.at(-1)?.text]).toEqual([
      'before',
      'before!',
      expect.not.stringContaining('late'),
    ])
    expect([client.closed, client.ended, target.ended, late.closed]).toEqual([false, false, false, false])
    await proxy.set({ is: 'up' })
    await eventually('what waited has passed', () => target.ended && arrived.at(-1)?.text === 'late')
    expect(target.text).toBe('before one three')
    await eventually('and the other way', () => client.text === 'before! two')
  })

  it('frozen: holds back a sender that goes on instead of gathering what it sends', async () => {
    const { client } = await link()
    await proxy.set({ is: 'frozen' })
    const chunk = Buffer.alloc(1_000_000)
    const before = process.memoryUsage().arrayBuffers
    let taken = 0
    const send = () => {
      for (let goes = true; goes && taken < 100; taken += 1) goes = client.socket.write(chunk)
    }
    client.socket.on('drain', send)
    send()
    await sleep(500)
    expect(taken).toBeLessThan(20)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
  })

  it('slow: delays each chunk, keeps the order and the bytes', async () => {
    const { client, target } = await link()
    await proxy.set({ is: 'slow', delayMs: 80, jitterMs: 60 })
    const startedAt = performance.now()
    const sent = Array.from({ length: 60 }, (_, index) => `${index} `)
    for (const text of sent) {
      client.socket.write(text)
      await sleep(2)
    }
    const gapMs = performance.now() - startedAt
    await eventually('all arrives', () => target.text === sent.join(''))
    expect(performance.now() - startedAt).toBeGreaterThan(gapMs + 20)
    const askedAt = performance.now()
    target.socket.write('x')
    await eventually('the answer comes', () => client.text === 'x')
    expect(performance.now() - askedAt).toBeGreaterThan(18)
    await proxy.set({ is: 'up' })
    await expectPasses({ client, target }, 'fast')
  })

  it('slow: passes no more bytes a second than it may', async () => {
    const { client, target } = await link()
    await proxy.set({ is: 'slow', delayMs: 0, bytesPerSecond: 1_000_000 })
    const startedAt = performance.now()
    client.socket.write(Buffer.alloc(400_000))
    await eventually('all arrives', () => target.received.length === 400_000)
    expect(performance.now() - startedAt).toBeGreaterThan(330)
  })

  it('reset: resets what is open and what comes', async () => {
    const { client, target } = await link()
    await proxy.set({ is: 'reset' })
    await eventually('both ends are reset', () => client.closed && target.closed)
    expect([client.error?.code, target.error?.code]).toEqual(['ECONNRESET', 'ECONNRESET'])
    const next = dial()
    await eventually('it is reset', () => next.closed)
    expect(next.error?.code).toBe('ECONNRESET')
    expect(arrived).toHaveLength(1)
  })

  it('passes a reset on', async () => {
    const { client, target } = await link()
    client.socket.resetAndDestroy()
    await eventually('the target is reset', () => target.closed)
    expect(target.error?.code).toBe('ECONNRESET')
  })

  for (const passes of ['to-target', 'to-client'] as const)
    it(`one-way: passes ${passes} alone`, async () => {
      const { client, target } = await link()
      await proxy.set({ is: 'one-way', passes })
      client.socket.write('question')
      target.socket.write('push')
      const [open, shut] = passes === 'to-target' ? [target, client] : [client, target]
      await eventually('one direction passes', () => open.text !== '')
      await sleep(QUIET_MS)
      expect(shut.text).toBe('')
      await proxy.set({ is: 'up' })
      await eventually('both do', () => client.text === 'push' && target.text === 'question')
    })

  it('half-open: the target hears nothing more, not even the end; new connections pass', async () => {
    const { client, target } = await link()
    await proxy.set({ is: 'half-open' })
    await eventually('the client is gone', () => client.closed)
    target.socket.write('are you there')
    await sleep(QUIET_MS)
    expect([target.text, target.ended, target.closed, target.error]).toEqual(['', false, false, null])
    expect(proxy.open).toBe(1)
    await expectPasses(await link(), 'another')
    await proxy.set({ is: 'up' })
    await sleep(QUIET_MS)
    expect([target.ended, target.closed]).toEqual([false, false])
  })

  it('leads to another target once it is told of it', async () => {
    const { url } = proxy
    const other = createServer((socket) => socket.end('other')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    proxy.pointTo(`tcp://127.0.0.1:${(other.address() as AddressInfo).port}`)
    expect(proxy.url).toBe(url)
    const client = dial()
    await eventually('the other answers', () => client.text === 'other')
    other.close()
  })

  it('lets a tap keep what is sent from a chunk on, and cut instead of passing', async () => {
    const cut = await link()
    await expectPasses(cut, 'untapped')
    proxy.tapWith(() => (chunk, way) => {
      if (way === 'to-client' && chunk.includes('secret')) return 'keep'
      return chunk.includes('fatal') ? 'reset' : 'pass'
    })
    const kept = await link()
    await expectPasses(kept, 'plain')
    kept.target.socket.write('secret')
    await sleep(QUIET_MS)
    kept.target.socket.write('plain')
    kept.client.socket.write(' on')
    await eventually('the other way passes', () => kept.target.text === 'plain on')
    await sleep(QUIET_MS)
    expect(kept.client.text).toBe('plain!')
    cut.client.socket.write('fatal')
    await eventually('both ends are cut', () => cut.client.closed && cut.target.closed)
    expect(cut.target.text).toBe('untapped')
  })

  it('lets a tap hold what is sent from a chunk on, until there is another tap', async () => {
    const held = await link()
    proxy.tapWith(() => (chunk, way) => (way === 'to-client' && chunk.includes('push') ? 'hold' : 'pass'))
    held.target.socket.write('push')
    await sleep(QUIET_MS)
    held.target.socket.write(' and more')
    held.client.socket.write('on')
    await eventually('the other way passes', () => held.target.text === 'on')
    await sleep(QUIET_MS)
    expect(held.client.text).toBe('')
    proxy.tapWith(null)
    await eventually('it arrives, in order', () => held.client.text === 'push and more')
  })

  it('lets a tap have a chunk late, and what follows behind it', async () => {
    const { client, target } = await link()
    proxy.tapWith(() => (chunk) => (chunk.includes('late') ? { lateMs: 300 } : 'pass'))
    const sentMs = performance.now()
    target.socket.write('late')
    await sleep(QUIET_MS)
    target.socket.write(' soon')
    await sleep(50)
    expect(client.text).toBe('')
    await eventually('both arrive, in order', () => client.text === 'late soon')
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(299)
  })

  it('sliced: a chunk is written byte by byte at first, so that it arrives in pieces', async () => {
    const { client, target } = await link()
    const arrivals: string[] = []
    client.socket.on('data', (chunk) => arrivals.push(chunk.toString()))
    await proxy.set({ is: 'sliced', firstBytes: 4 })
    target.socket.write('abcdefghij')
    await eventually('all of it arrives', () => client.text === 'abcdefghij')
    expect(arrivals.length).toBeGreaterThan(2)
    await proxy.set({ is: 'up' })
    await expectPasses({ client, target }, 'whole')
  })
})
