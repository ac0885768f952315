import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { BusPort } from '../../core/ports/bus-port.js'
import { jsonOfBytes } from '../contracts/bus-port.contract.js'
import { eventually } from '../contracts/eventually.js'
import { busProcesses } from '../support/bus-processes.js'
import { lanesOf } from '../support/lanes.js'
import { describeWithRedis, type RedisServer } from '../support/redis.js'
import { type SocketInstance, type SocketInstances, socketInstances } from '../support/socket-instances.js'

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000 })
/** What comes a second time, or to one whom it is not for, would have come by then. */
const A_WHILE_MS = 150

describeWithRedis('Socket.io between processes', () => {
  type Pair = {
    readonly first: SocketInstance
    readonly second: SocketInstance
    readonly client: SocketInstances['client']
  }

  /** What an embedder may rely on, in rooms of its own each time that it is called. */
  const BEHAVIOURS: Readonly<Record<string, (pair: Pair) => Promise<void>>> = {
    'to and except reach rooms everywhere, once and in the order of who speaks (pitfall 6)': async ({
      first,
      second,
      client,
    }) => {
      const room = randomUUID()
      const [here, there] = [await client(first, room), await client(second, room)]
      const apart = await client(second)
      for (let n = 0; n < 20; n += 1) first.io.to(room).emit('n', n)
      first.io
        .to(room)
        .except(there.id ?? '')
        .emit('not there')
      second.io
        .to(room)
        .except(here.id ?? '')
        .emit('not here')
      const all = Array.from({ length: 20 }, (_, n) => ['n', n])
      await until(() => expect([here.got.length, there.got.length]).toEqual([21, 21]))
      await sleep(A_WHILE_MS)
      expect(here.got).toEqual([...all, ['not there']])
      expect(there.got.filter((event) => (event as unknown[])[0] === 'n')).toEqual(all)
      expect(there.got).toContainEqual(['not here'])
      expect([there.got.length, apart.got]).toEqual([21, []])
    },
    'local stays in the process': async ({ first, second, client }) => {
      const [room, other] = [randomUUID(), randomUUID()]
      const [here, there] = [await client(first, room), await client(second, room)]
      const sizes = (name: string) =>
        [first, second].map(({ io }) => io.of('/').adapter.rooms.get(name)?.size ?? 0)
      first.io.local.to(room).emit('local')
      first.io.to(room).emit('all')
      await until(() => expect(there.got).toEqual([['all']]))
      await sleep(A_WHILE_MS)
      expect([here.got, there.got]).toEqual([[['local'], ['all']], [['all']]])
      first.io.local.in(room).socketsJoin(other)
      await sleep(A_WHILE_MS)
      expect(sizes(other)).toEqual([1, 0])
      first.io.local.in(room).socketsLeave(room)
      await sleep(A_WHILE_MS)
      expect(sizes(room)).toEqual([0, 1])
      first.io.local.disconnectSockets(true)
      await until(() => expect(here.connected).toBe(false))
      await sleep(A_WHILE_MS)
      expect(there.connected).toBe(true)
    },
    'acks are gathered from everywhere, and a missing one is told in time': async ({
      first,
      second,
      client,
    }) => {
      const room = randomUUID()
      const [here, there] = [await client(first, room), await client(second, room)]
      here.on('ask', (ack) => ack('here'))
      there.on('ask', (ack) => ack('there'))
      expect((await first.io.to(room).timeout(5_000).emitWithAck('ask')).sort()).toEqual(['here', 'there'])
      await client(second, room)
      const startedAt = performance.now()
      const failure = await first.io
        .to(room)
        .timeout(1_000)
        .emitWithAck('ask')
        .catch((error: Error & { responses: unknown[] }) => error)
      expect((failure as { responses: unknown[] }).responses.sort()).toEqual(['here', 'there'])
      expect(performance.now() - startedAt).toBeLessThan(4_000)
    },
    'fetchSockets names those of all processes (pitfall 7)': async ({ first, second, client }) => {
      const room = randomUUID()
      const [here, there] = [await client(first, room), await client(second, room)]
      const partial = first.partial()
      const found = await first.io.in(room).fetchSockets()
      expect(found.map(({ id }) => id).sort()).toEqual([here.id, there.id].sort())
      expect(found.map(({ rooms }) => [...rooms].includes(room))).toEqual([true, true])
      expect(first.partial()).toBe(partial)
      const own = await first.io.local.in(room).fetchSockets()
      expect(own.map(({ id }) => id)).toEqual([here.id])
    },
    'socketsJoin and socketsLeave move the sockets of all processes (pitfall 7)': async ({
      first,
      second,
      client,
    }) => {
      const [room, other] = [randomUUID(), randomUUID()]
      const [here, there] = [await client(first, room), await client(second, room)]
      const sizes = () => [first, second].map(({ io }) => io.of('/').adapter.rooms.get(other)?.size ?? 0)
      first.io.in(room).socketsJoin(other)
      await until(() => expect(sizes()).toEqual([1, 1]))
      second.io.to(other).emit('in')
      await until(() => expect([here.got, there.got]).toEqual([[['in']], [['in']]]))
      first.io.in(room).socketsLeave(other)
      await until(() => expect(sizes()).toEqual([0, 0]))
    },
    'disconnectSockets cuts the sockets of all processes, and no others (pitfall 7)': async ({
      first,
      second,
      client,
    }) => {
      const room = randomUUID()
      const [here, there, stays] = [
        await client(first, room),
        await client(second, room),
        await client(second),
      ]
      first.io.in(room).disconnectSockets(true)
      await until(() => expect([here.connected, there.connected]).toEqual([false, false]))
      await sleep(A_WHILE_MS)
      expect(stays.connected).toBe(true)
    },
    'serverSideEmit calls the other processes, and gathers what they answer': async ({ first, second }) => {
      const event = randomUUID()
      const heard: unknown[] = []
      second.io.on(event, (from: unknown, answer?: (value: string) => void) => {
        heard.push(from)
        answer?.(`heard ${from}`)
      })
      first.io.serverSideEmit(event, 'one')
      await until(() => expect(heard).toEqual(['one']))
      expect(await first.io.serverSideEmitWithAck(event, 'two')).toEqual(['heard two'])
      await sleep(A_WHILE_MS)
      expect(heard).toEqual(['one', 'two'])
    },
    'JSON of 7,999, 8,000, 20,000 and 64,000 bytes arrives as it was (pitfall 6)': async ({
      first,
      second,
      client,
    }) => {
      const room = randomUUID()
      const there = await client(second, room)
      const values = [7_999, 8_000, 20_000, 64_000].map((bytes) => JSON.parse(jsonOfBytes(bytes)) as string)
      expect(values.map((value) => Buffer.byteLength(JSON.stringify(value)))).toEqual([
        7_999, 8_000, 20_000, 64_000,
      ])
      for (const value of values) first.io.to(room).emit('large', value)
      await until(() => expect(there.got).toHaveLength(values.length))
      expect(there.got).toEqual(values.map((value) => ['large', value]))
    },
  }

  /** For a suite. */
  const pairs = () => {
    const { server, start } = busProcesses()
    const { startAll, client } = socketInstances()
    const pairOf = async (a: BusPort, b: BusPort): Promise<Pair> => {
      const [first, second] = await startAll(a, b)
      if (first === undefined || second === undefined) throw new Error('two were asked for')
      return { first, second, client }
    }
    return { server, start, pairOf }
  }

  describe.concurrent.each([
    ['FailoverBus on Redis', 'bus'],
    ['PostgresBus', 'overPostgres'],
  ] as const)('over %s', (_name, kind) => {
    const { start, pairOf } = pairs()

    it.sequential.each(Object.entries(BEHAVIOURS))('%s', async (_behaviour, verify) => {
      const [a, b] = [await start(), await start()]
      const pair = await pairOf(a[kind], b[kind])
      await verify(pair)
      expect([pair.first.failures(), pair.second.failures()]).toEqual([0, 0])
    })
  })

  const LANES = lanesOf(Object.entries(BEHAVIOURS), 3)
  const OUTAGES = [
    {
      how: 'is killed and comes back (fault R1)',
      end: (server: RedisServer) => server.kill(),
      begin: (server: RedisServer) => server.restart(),
    },
    {
      how: 'hangs and goes on (fault R2)',
      end: (server: RedisServer) => server.freeze(),
      begin: (server: RedisServer) => server.thaw(),
    },
  ]
  const SWITCHES = OUTAGES.flatMap((outage) =>
    LANES.map(([lane, behaviours]) => ({ ...outage, lane, behaviours })),
  )

  describe.concurrent.each(SWITCHES)(
    'over FailoverBus while Redis $how, $lane',
    ({ end, begin, behaviours }) => {
      const { server, start, pairOf } = pairs()

      it.sequential.each(behaviours)('%s', async (_behaviour, verify) => {
        const [a, b] = [await start(), await start()]
        const pair = await pairOf(a.bus, b.bus)
        await verify(pair)
        await end(server())
        await verify(pair)
        await eventually('both to have noticed', () =>
          [a, b].every(({ bus }) => bus.state().state === 'fallback'),
        )
        // The one is back on Redis long before the other, who says so.
        await b.way.set({ is: 'down' })
        await begin(server())
        await eventually('Redis to be up', () => a.redis.health.isUp())
        await verify(pair)
        expect(b.overRedis.hears()).toBe(false)
        await b.way.set({ is: 'up' })
        await eventually('both to hear Redis', () => [a, b].every(({ overRedis }) => overRedis.hears()))
        await verify(pair)
        expect([pair.first.failures(), pair.second.failures()]).toEqual([0, 0])
      })
    },
  )
})
