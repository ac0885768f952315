import { describe, expect, it, vi } from 'vitest'
import { MemoryBusHub } from '../../../adapters/memory/memory-bus.js'
import { SystemClock } from '../../../adapters/system/system-clock.js'
import type { BusPort } from '../../../core/ports/bus-port.js'
import { type SocketInstance, socketInstances } from '../../../tests/support/socket-instances.js'
import { PartialAnswers } from './bus-adapter.js'

const { start, startAll, client } = socketInstances()

async function twoInstances(): Promise<[SocketInstance, SocketInstance]> {
  const hub = new MemoryBusHub(new SystemClock())
  const [first, second] = await startAll(hub.endpoint(), hub.endpoint())
  if (first === undefined || second === undefined) throw new Error('two were asked for')
  return [first, second]
}

/** One more process, for which an instance waits and which answers nothing. Resolves with what says something as that one. */
async function addMute(hub: MemoryBusHub, instance: SocketInstance) {
  const endpoint = hub.endpoint()
  const say = (message: object) =>
    endpoint.publish(
      'sockets',
      JSON.stringify({ sentAtMs: Date.now(), message: { ...message, uid: 'mute', nsp: '/' } }),
    )
  const count = await instance.io.of('/').adapter.serverCount()
  await say({ type: 2 })
  await vi.waitFor(async () => expect(await instance.io.of('/').adapter.serverCount()).toBe(count + 1))
  return say
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000 })

describe('BusAdapter', () => {
  it('carries broadcasts to the rooms of all processes, once each, except where they are excepted', async () => {
    const [first, second] = await twoInstances()
    const here = await client(first, 'r')
    const there = await client(second, 'r')
    const apart = await client(second, 'other')
    first.io.to('r').emit('hello', { n: 1 })
    second.io
      .to('r')
      .except(here.id ?? '')
      .emit('hello', { n: 2 })
    first.io.emit('all', 3)
    await until(() => expect(there.got).toHaveLength(3))
    await until(() => expect(here.got).toHaveLength(2))
    // Between processes there is no order; each one's own stays.
    expect(there.got).toEqual(
      expect.arrayContaining([
        ['hello', { n: 1 }],
        ['hello', { n: 2 }],
        ['all', 3],
      ]),
    )
    const all = [
      ['hello', { n: 1 }],
      ['hello', { n: 2 }],
      ['all', 3],
    ]
    for (const { said } of [first, second]) expect(said).toEqual(expect.arrayContaining(all))
    expect(here.got).toEqual([
      ['hello', { n: 1 }],
      ['all', 3],
    ])
    expect(apart.got).toEqual([['all', 3]])
  })

  it.each([
    ['another process', 0],
    ['the process itself', 1],
  ])(
    'lets what %s says wait where a process stood still, until it knows who is still there',
    async (_who, from) => {
      const pair = await twoInstances()
      const [, second] = pair
      const stays = await client(second, 'r')
      const leaves = await client(second, 'r')
      setTimeout(() => pair[from]?.io.to('r').emit('hello'), 10)
      const untilMs = performance.now() + 1_500
      while (performance.now() < untilMs);
      // As soon as it learns of it.
      setTimeout(() => second.io.local.in(leaves.id ?? '').socketsLeave('r'), 50)
      await until(() => expect(stays.got).toEqual([['hello']]))
      expect(leaves.got).toEqual([])
    },
  )

  it('keeps what is local in the process', async () => {
    const [first, second] = await twoInstances()
    const here = await client(first, 'r')
    const there = await client(second, 'r')
    first.io.local.to('r').emit('local', 1)
    first.io.to('r').emit('both', 2)
    await until(() => expect(there.got).toEqual([['both', 2]]))
    expect(here.got).toEqual([
      ['local', 1],
      ['both', 2],
    ])
  })

  it('gathers acks of all processes', async () => {
    const [first, second] = await twoInstances()
    for (const instance of [first, second])
      (await client(instance, 'r')).on('ask', (ack) => ack(instance === first ? 'here' : 'there'))
    const answers = await first.io.to('r').timeout(2_000).emitWithAck('ask')
    expect(answers.sort()).toEqual(['here', 'there'])
  })

  it('joins, takes out, names and disconnects sockets of all processes', async () => {
    const [first, second] = await twoInstances()
    const there = await client(second, 'r')
    first.io.in('r').socketsJoin('s')
    await until(() => expect(second.io.of('/').adapter.rooms.get('s')?.size).toBe(1))
    const found = await first.io.in('s').fetchSockets()
    expect(found.map(({ id, handshake }) => [id, Object.keys(handshake)])).toEqual([[there.id, []]])
    first.io.in('r').socketsLeave('s')
    await until(() => expect(second.io.of('/').adapter.rooms.has('s')).toBe(false))
    first.io.in('r').disconnectSockets(true)
    await until(() => expect(there.connected).toBe(false))
  })

  it('calls other processes and gathers their answers', async () => {
    const [first, second] = await twoInstances()
    second.io.on('count', (from, answer) => answer(`heard ${from}`))
    expect(await first.io.serverSideEmitWithAck('count', 'first')).toEqual(['heard first'])
  })

  it('serves local sockets at once while the bus hangs, and counts while it fails (pitfalls 5, 6 and 7)', async () => {
    const hanging: BusPort = {
      publish: () => new Promise(() => undefined),
      subscribe: () => new Promise(() => undefined),
      onGap: () => () => undefined,
      hasPeers: () => true,
    }
    const failing: BusPort = { ...hanging, publish: () => Promise.reject(new Error('no bus')) }
    for (const bus of [hanging, failing]) {
      const instance = await start(bus)
      const here = await client(instance, 'r')
      instance.io.to('r').emit('hello', 1)
      await until(() => expect(here.got).toEqual([['hello', 1]]))
      instance.io.in('r').disconnectSockets(true)
      await until(() => expect(here.connected).toBe(false))
      if (bus === failing) expect(instance.failures()).toBeGreaterThan(0)
    }
  })

  it('goes on after messages that no instance of this version sends (input I5)', async () => {
    const hub = new MemoryBusHub(new SystemClock())
    const instance = await start(hub.endpoint())
    const foreign = hub.endpoint()
    const broadcast = { type: 3, uid: 'x', nsp: '/' }
    for (const text of ['', 'null', '{"message":null}', JSON.stringify({ sentAtMs: 0, message: broadcast })])
      await foreign.publish('sockets', text)
    await vi.waitFor(() => expect(instance.failures()).toBe(4))
    const here = await client(instance, 'r')
    instance.io.to('r').emit('hello', 1)
    await until(() => expect(here.got).toEqual([['hello', 1]]))
  })

  it('names within its budget the sockets of those who answer, and says that it is not all (pitfall 7)', async () => {
    const hub = new MemoryBusHub(new SystemClock())
    const [instance, second] = await startAll(hub.endpoint(), hub.endpoint())
    if (instance === undefined || second === undefined) throw new Error('two were asked for')
    const [here, there] = [await client(instance, 'r'), await client(second, 'r')]
    const name = async (room = 'r') => (await instance.io.in(room).fetchSockets()).map(({ id }) => id).sort()
    const all = [here.id, there.id].sort()
    expect([await name(), instance.partial()]).toEqual([all, 0])
    await addMute(hub, instance)
    const started = performance.now()
    expect([await name(), await name(), instance.partial()]).toEqual([all, all, 2])
    expect(performance.now() - started).toBeLessThan(5_000)
    const apart = await client(second, 'other')
    // Each of two questions at once is told what it asked for.
    expect(await Promise.all([name(), name('other')])).toEqual([all, [apart.id]])
  })

  it('passes on within its budget what others answer to a call, and names who does not', async () => {
    const hub = new MemoryBusHub(new SystemClock())
    const [first, second, third] = await startAll(hub.endpoint(), hub.endpoint(), hub.endpoint())
    if (first === undefined) throw new Error('three were asked for')
    second?.io.on('who', (answer) => answer('second'))
    third?.io.on('who', (answer) => answer('third'))
    expect((await first.io.serverSideEmitWithAck('who')).sort()).toEqual(['second', 'third'])
    expect(first.partial()).toBe(0)
    await addMute(hub, first)
    const started = performance.now()
    const failure = await first.io.serverSideEmitWithAck('who').catch((error: unknown) => error)
    expect(performance.now() - started).toBeLessThan(3_000)
    expect(failure).toBeInstanceOf(PartialAnswers)
    const { responses, missing } = failure as PartialAnswers
    expect([...responses].sort()).toEqual(['second', 'third'])
    expect([missing, first.partial()]).toEqual([['mute'], 1])
  })

  it('waits for no answer of a process that says that it ends', async () => {
    const hub = new MemoryBusHub(new SystemClock())
    const [instance, second] = await startAll(hub.endpoint(), hub.endpoint())
    if (instance === undefined) throw new Error('two were asked for')
    second?.io.on('who', (answer) => answer('second'))
    const mute = await addMute(hub, instance)
    const asked = instance.io.serverSideEmitWithAck('who')
    await mute({ type: 13 })
    expect(await asked).toEqual(['second'])
    expect(instance.partial()).toBe(0)
  })
})
