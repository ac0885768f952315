import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PostgresBus, type PostgresBusOptions } from '../../adapters/postgres/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { jsonOfBytes } from './bus-port.contract.js'
import { eventually } from './eventually.js'

const CHANNEL = 'bus_under_test'

let test: TestDatabase
let admin: postgres.Sql
const open = new Set<PostgresBus>()

beforeAll(async () => {
  test = await testDatabase()
  admin = postgres(test.adminUrl, { max: 2, onnotice: () => undefined })
})

afterEach(async () => {
  await Promise.all([...open].map((bus) => bus.close()))
  open.clear()
})

afterAll(async () => {
  await admin?.end({ timeout: 1 })
  await test?.drop()
})

function bus(applicationName: string, options: PostgresBusOptions = {}, directUrl = test.url): PostgresBus {
  const opened = new PostgresBus({ directUrl, applicationName }, { channel: CHANNEL, ...options })
  open.add(opened)
  return opened
}

async function backendsOf(applicationName: string): Promise<readonly number[]> {
  const rows = await admin<{ pid: number }[]>`
    select pid from pg_stat_activity where application_name = ${applicationName}`
  return rows.map(({ pid }) => pid)
}

async function terminate(applicationName: string): Promise<void> {
  const pids = await backendsOf(applicationName)
  expect(pids.length).toBeGreaterThan(0)
  await admin`select pg_terminate_backend(pid) from unnest(${[...pids]}::int[]) as pid`
  await eventually('the backend to be gone', async () => {
    const now = await backendsOf(applicationName)
    return pids.every((pid) => !now.includes(pid))
  })
}

/** A way to the database that can be closed and opened again. */
async function gate() {
  const { hostname, port } = new URL(test.url)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  const openAt = (at: number) => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  await openAt(0)
  const own = (server.address() as AddressInfo).port
  const url = new URL(test.url)
  url.host = `127.0.0.1:${own}`
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve)
      for (const socket of sockets) socket.destroy()
    })
  return { url: url.href, close, open: () => openAt(own) }
}

/** A publisher, a subscriber, and what the subscriber saw. */
async function pair(options: PostgresBusOptions = {}) {
  const topic = randomUUID()
  const [a, b] = [bus('sender'), bus('receiver', options)]
  const received: string[] = []
  const seen = { gaps: 0 }
  b.onGap(() => {
    seen.gaps += 1
  })
  await b.subscribe(topic, (message) => received.push(message))
  const publish = (message: string) => a.publish(topic, message)
  const arrives = async (message: string) => {
    await publish(message)
    await eventually(`${message.slice(0, 20)} to arrive`, () => received.includes(message))
  }
  return { a, b, topic, received, seen, publish, arrives }
}

describe('PostgresBus', () => {
  it('listens again after its backend was terminated, and tells of the gap (pitfall 5)', async () => {
    const { received, seen, arrives } = await pair()
    await arrives('"before"')
    expect(seen.gaps).toBe(0)
    for (let round = 1; round <= 3; round += 1) {
      await terminate('receiver-listen')
      await eventually('the gap to be told', () => seen.gaps >= round, 5_000)
      await arrives(`"after ${round}"`)
    }
    expect(received).toEqual(['"before"', '"after 1"', '"after 2"', '"after 3"'])
  })

  it('finds its way back after an outage in which nothing could be reached', async () => {
    const way = await gate()
    const topic = randomUUID()
    const [a, b] = [bus('near', {}, way.url), bus('far', {}, way.url)]
    const received: string[] = []
    let gaps = 0
    b.onGap(() => {
      gaps += 1
    })
    await b.subscribe(topic, (message) => received.push(message))
    await way.close()
    const outage = performance.now() + 1_500
    while (performance.now() < outage) {
      await expect(a.publish(topic, '"lost"')).rejects.toMatchObject({ name: 'PortUnavailable' })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await way.open()
    await eventually('the gap to be told', () => gaps > 0, 5_000)
    await eventually('a message to arrive', async () => {
      await a.publish(topic, '"back"').catch(() => undefined)
      return received.includes('"back"')
    })
    expect(received).not.toContain('"lost"')
    await Promise.all([a.close(), b.close()])
    await way.close()
  })

  it('goes on publishing after its backend was terminated', async () => {
    const { publish, arrives } = await pair()
    await arrives('"before"')
    await terminate('sender-notify')
    await eventually('publishing to work again', () =>
      publish('"again"').then(
        () => true,
        () => false,
      ),
    )
    await arrives('"after"')
  })

  it('notices a listening connection that was cut without a word', async () => {
    const { seen, arrives } = await pair({ probeMs: 200 })
    const [pid = 0] = await backendsOf('receiver-listen')
    process.kill(pid, 'SIGSTOP')
    try {
      await eventually('the gap to be told', () => seen.gaps > 0, 5_000)
      await arrives('"after"')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  it('stays on a quiet connection that is alive', async () => {
    const { seen, arrives } = await pair({ probeMs: 50 })
    const before = await backendsOf('receiver-listen')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await backendsOf('receiver-listen')).toEqual(before)
    expect(seen.gaps).toBe(0)
    await arrives('"still here"')
  })

  it('ignores notifications that it did not write, and lost and foreign pieces', async () => {
    const { received, arrives, topic } = await pair()
    const piece = `${randomUUID()};1,0,3,${topic.length},${topic.length + 1};${topic}x`
    const garbage = ['', 'garbage', ';', 'x;1,0,1,0,5;ab', '{"a":1}', `y;9,1,2,0,1;z`, piece]
    for (const payload of garbage) await admin.notify(CHANNEL, payload)
    await arrives(jsonOfBytes(20_000))
    expect(received).toHaveLength(1)
  })

  it('tells what a handler threw, and goes on', async () => {
    const errors: unknown[] = []
    const { a, b, topic } = await pair({ onError: (error) => errors.push(error) })
    const broken = new Error('broken')
    await b.subscribe(topic, () => {
      throw broken
    })
    await a.publish(topic, '1')
    await a.publish(topic, '2')
    await eventually('both to be handled', () => errors.length === 2)
    expect(errors).toEqual([broken, broken])
  })

  it('sends what is published in one tick together', async () => {
    const { received, publish, arrives } = await pair()
    const payloads: string[] = []
    const { unlisten } = await admin.listen(CHANNEL, (payload) => payloads.push(payload))
    await arrives('"first"')
    await Promise.all(Array.from({ length: 300 }, (_, index) => publish(`"message ${index}"`)))
    await arrives('"last"')
    expect(received).toHaveLength(302)
    await eventually('the last notification', () => payloads.some((payload) => payload.includes('"last"')))
    expect(payloads.length).toBeLessThanOrEqual(6)
    await unlisten()
  })

  it('refuses what no message between processes may be, and sends the rest', async () => {
    const { a, topic, arrives } = await pair()
    await expect(a.publish(topic, 'x'.repeat(2_000_000))).rejects.toThrow(RangeError)
    await expect(a.publish(topic, '"\0"')).rejects.toThrow(RangeError)
    await arrives('"fine"')
  })

  it('answers PortUnavailable within its deadline when the database cannot be reached', async () => {
    const deaf = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => deaf.once('listening', resolve))
    const address = deaf.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    for (const url of [`postgres://u:p@127.0.0.1:${port}/db`, 'postgres://u:p@127.0.0.1:1/db']) {
      const lost = bus('lost', { deadlineMs: 300 }, url)
      const startedAt = performance.now()
      await expect(lost.publish('topic', '1')).rejects.toMatchObject({
        name: 'PortUnavailable',
        port: 'BusPort',
      })
      await expect(lost.subscribe('topic', () => undefined)).rejects.toMatchObject({
        name: 'PortUnavailable',
      })
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      await lost.close()
    }
    deaf.close()
  })

  it('refuses at once what it has no room to queue', async () => {
    const lost = bus('lost', { deadlineMs: 300 }, 'postgres://u:p@127.0.0.1:1/db')
    const large = 'x'.repeat(1_000_000)
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => lost.publish('topic', large)))
    const reasons = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? outcome.reason.cause.message : null,
    )
    expect(reasons.filter((reason) => reason === 'Too many messages wait to be sent').length).toBeGreaterThan(
      20,
    )
    expect(reasons).not.toContain(null)
  })

  it('leaves no connection behind when it is closed, and has sent what was published before', async () => {
    const { a, b, received, publish, arrives } = await pair()
    await arrives('"before"')
    const last = publish('"last"')
    await a.close()
    await last
    await eventually('the last message to arrive', () => received.includes('"last"'))
    await b.close()
    await expect(publish('"late"')).rejects.toMatchObject({ name: 'PortUnavailable' })
    await eventually('all connections to be closed', async () => {
      const names = ['sender-notify', 'receiver-notify', 'receiver-listen']
      return (await Promise.all(names.map(backendsOf))).flat().length === 0
    })
  })
})
