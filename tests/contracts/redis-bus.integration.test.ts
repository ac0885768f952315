import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { RedisBus } from '../../adapters/redis/index.js'
import { busProcesses } from '../support/bus-processes.js'
import { describeWithRedis } from '../support/redis.js'
import { jsonOfBytes } from './bus-port.contract.js'
import { eventually } from './eventually.js'

const PROBE_MS = 100
const LONG_MS = 60_000

/** What a process ends for. */
const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)

/** Subscribes, and answers what arrives and how many gaps are told. */
async function heard(bus: RedisBus, topic: string) {
  const seen = { received: [] as string[], gaps: 0 }
  bus.onGap(() => {
    seen.gaps += 1
  })
  await bus.subscribe(topic, (message) => seen.received.push(message))
  return seen
}

describeWithRedis('RedisBus', () => {
  const { server, start, operate, listening, calls } = busProcesses()

  beforeAll(() => void process.on('unhandledRejection', note))
  beforeEach(() => void unhandled.splice(0))
  afterAll(() => void process.off('unhandledRejection', note))

  /** A publisher, a subscriber, and what the subscriber saw. */
  const pair = async (options = { probeMs: PROBE_MS }) => {
    const topic = randomUUID()
    const [a, b] = [await start(options), await start(options)]
    const seen = await heard(b.overRedis, topic)
    const arrives = async (message: string) => {
      await a.overRedis.publish(topic, message)
      await eventually(`${message.slice(0, 20)} to arrive`, () => seen.received.includes(message))
    }
    return { a, b, topic, seen, arrives }
  }

  it('listens again after its connection was killed, and tells the gap then (fault R9)', async () => {
    const { b, seen, arrives } = await pair()
    const hearing: boolean[] = []
    b.overRedis.onHearing(() => hearing.push(b.overRedis.hears()))
    await arrives('"before"')
    expect([b.overRedis.hears(), seen.gaps]).toEqual([true, 0])
    for (let round = 1; round <= 3; round += 1) {
      await operate('client', 'kill', 'type', 'pubsub')
      await eventually('the gap to be told', () => seen.gaps === round, 5_000)
      await arrives(`"after ${round}"`)
    }
    expect(seen.received).toEqual(['"before"', '"after 1"', '"after 2"', '"after 3"'])
    expect(hearing).toEqual([false, true, false, true, false, true])
    expect(await listening()).toHaveLength(1)
  })

  it('notices that nothing arrives on a connection that was cut without a word, and makes another (fault R12)', async () => {
    const { b, seen, arrives } = await pair()
    await arrives('"before"')
    b.mute(true)
    await eventually('it to know that it does not hear', () => !b.overRedis.hears(), 5_000)
    expect([b.redis.health.isUp(), seen.gaps]).toEqual([true, 0])
    await sleep(5 * PROBE_MS)
    expect(b.overRedis.hears()).toBe(false)
    b.mute(false)
    await eventually('the gap to be told', () => seen.gaps === 1)
    await arrives('"after"')
    await eventually('the old connections to be gone', async () => (await listening()).length === 1)
  })

  it('stays on a connection that is alive, quiet as it may be, and though the process stood still', async () => {
    const { b, seen, arrives } = await pair({ probeMs: 50 })
    const before = await listening()
    expect(before).toHaveLength(1)
    await sleep(500)
    const untilMs = performance.now() + 1_500
    while (performance.now() < untilMs);
    await sleep(200)
    expect([await listening(), b.overRedis.hears(), seen.gaps]).toEqual([before, true, 0])
    await arrives('"still here"')
  })

  it('makes another connection where the first one never got to listen', async () => {
    const [a, b] = [await start(), await start({ probeMs: PROBE_MS, deadlineMs: 300 })]
    b.mute(true)
    const subscribe = () => heard(b.overRedis, 'topic')
    await expect(subscribe()).rejects.toMatchObject({ name: 'PortUnavailable', port: 'BusPort' })
    expect(b.overRedis.hears()).toBe(false)
    b.mute(false)
    await eventually('it to listen', () => b.overRedis.hears())
    const { received } = await subscribe()
    await a.overRedis.publish('topic', '1')
    await eventually('the message to arrive', () => received.length === 1)
  })

  it('refuses whoever waits for it to listen when it closes, and holds up nobody after', async () => {
    const b = await start({ probeMs: PROBE_MS, deadlineMs: LONG_MS })
    b.mute(true)
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const outcome = b.overRedis.subscribe('topic', () => undefined).catch((error: unknown) => error)
    await sleep(5 * PROBE_MS)
    expect(b.overRedis.hears()).toBe(false)
    await b.overRedis.close()
    expect(await Promise.race([outcome, sleep(1_000, 'still waiting')])).toMatchObject({
      name: 'PortUnavailable',
      cause: { code: 'CLOSED' },
    })
    await eventually('no timer to be left of it', () => timers() <= before)
  })

  it('survives that it may not listen again, and listens when it may', async () => {
    const { b, seen, arrives } = await pair()
    await operate('acl', 'setuser', 'default', 'resetchannels')
    await operate('client', 'kill', 'type', 'pubsub')
    await eventually('it to know that it does not hear', () => !b.overRedis.hears())
    await sleep(500)
    expect([b.overRedis.hears(), unhandled]).toEqual([false, []])
    await operate('acl', 'setuser', 'default', 'allchannels')
    await eventually('the gap to be told', () => seen.gaps === 1)
    await eventually('Redis to be up', () => b.redis.health.isUp())
    await arrives('"after"')
  })

  it('is refused by name where Redis does not let it listen', async () => {
    const b = await start({ probeMs: PROBE_MS, deadlineMs: 500 })
    await operate('acl', 'setuser', 'default', 'resetchannels')
    await expect(b.overRedis.subscribe('topic', () => undefined)).rejects.toMatchObject({
      name: 'PortUnavailable',
      port: 'BusPort',
    })
    expect(unhandled).toEqual([])
  })

  it('listens anew, without what it missed, where it read too slowly (fault R10)', async () => {
    const { b, seen, arrives, topic, a } = await pair()
    await arrives('"before"')
    await operate('config', 'set', 'client-output-buffer-limit', 'pubsub 1mb 1mb 1')
    const [slow] = await listening()
    b.mute(true)
    const large = jsonOfBytes(500_000)
    await eventually('Redis to cut it', async () => {
      await a.overRedis.publish(topic, large).catch(() => undefined)
      return !(await listening()).includes(slow ?? '')
    })
    b.mute(false)
    await eventually('the gap to be told', () => seen.gaps === 1)
    await arrives('"after"')
    expect(seen.received.filter((message) => message !== large)).toEqual(['"before"', '"after"'])
    await eventually('one connection to be left', async () => (await listening()).length === 1)
    expect(unhandled).toEqual([])
  })

  it('hands on nothing twice of what was under way when connections were reset (fault R14)', async () => {
    const { a, b, topic, seen, arrives } = await pair()
    const handedOver: string[] = []
    const under: Promise<unknown>[] = []
    for (let index = 0; index < 600; index += 1) {
      const message = JSON.stringify({ index })
      const published = a.overRedis.publish(topic, message).then(() => handedOver.push(message))
      under.push(published.catch(() => undefined))
      if (index % 150 === 149) (index % 300 === 149 ? a : b).way.cut()
      await sleep(1)
    }
    await Promise.all(under)
    expect(handedOver.length).toBeGreaterThan(0)
    await eventually('it to hear', () => b.overRedis.hears())
    await eventually('Redis to be up', () => a.redis.health.isUp())
    await arrives('"last"')
    expect(new Set(seen.received).size).toBe(seen.received.length)
    expect(seen.gaps).toBeGreaterThan(0)
    expect(unhandled).toEqual([])
  })

  it('sends what is published in one turn together', async () => {
    const { a, topic, seen } = await pair({ probeMs: 60_000 })
    const before = await calls('publish')
    const messages = Array.from({ length: 300 }, (_, index) => `"message ${index}"`)
    await Promise.all(messages.map((message) => a.overRedis.publish(topic, message)))
    await eventually('all to arrive', () => seen.received.length === 300)
    expect(seen.received).toEqual(messages)
    expect((await calls('publish')) - before).toBe(1)
  })

  it('listens and probes no more when it is closed', async () => {
    const { a, b } = await pair({ probeMs: 20 })
    await b.overRedis.close()
    await a.overRedis.close()
    await eventually('the connection to be gone', async () => (await listening()).length === 0)
    await expect(b.overRedis.subscribe('topic', () => undefined)).rejects.toMatchObject({
      name: 'PortUnavailable',
    })
    await expect(b.overRedis.publish('topic', '1')).rejects.toMatchObject({ name: 'PortUnavailable' })
    const before = await calls('publish')
    await sleep(300)
    expect([await calls('publish'), await listening()]).toEqual([before, []])
  })

  it('leaves nothing behind when it is closed before it got to listen', async () => {
    const b = await start({ probeMs: 20, deadlineMs: 200 })
    await server().kill()
    const subscribing = b.overRedis.subscribe('topic', () => undefined)
    await b.overRedis.close()
    await expect(subscribing).rejects.toMatchObject({ name: 'PortUnavailable' })
    await server().restart()
    await eventually('Redis to be up', () => b.redis.health.isUp())
    await sleep(500)
    expect([await calls('publish'), await listening()]).toEqual([0, []])
    expect(unhandled).toEqual([])
  })
})
