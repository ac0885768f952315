import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { BusPort } from '../../core/ports/bus-port.js'
import { type BusProcess, busProcesses } from '../support/bus-processes.js'
import { describeWithRedis } from '../support/redis.js'
import { eventually } from './eventually.js'

/** From a fault that nobody is told of until everything arrives again. */
const FOUND_WITHIN_MS = 2_000
/** A process that heard Redis again is not spared the other bus before. */
const BOTH_FOR_MS = 4_000
const EVERY_MS = 20

const unhandled: unknown[] = []
const note = (reason: unknown) => unhandled.push(reason)

type Sent = { readonly message: string; readonly atMs: number; readonly isHandedOver: boolean }

/** Publishes a number every few ms until it is ended; answers what it sent and what arrived at the other. */
async function stream(from: BusPort, to: BusPort) {
  const topic = randomUUID()
  const received: { readonly message: string; readonly atMs: number }[] = []
  const end = await to.subscribe(topic, (message) => received.push({ message, atMs: performance.now() }))
  const arrivalOf = (message: string | undefined) => received.find((each) => each.message === message)
  const sending: Promise<Sent>[] = []
  const timer = setInterval(() => {
    const [message, atMs] = [JSON.stringify(sending.length), performance.now()]
    sending.push(
      from.publish(topic, message).then(
        () => ({ message, atMs, isHandedOver: true }),
        () => ({ message, atMs, isHandedOver: false }),
      ),
    )
  }, EVERY_MS)
  return {
    async end() {
      clearInterval(timer)
      const sent = await Promise.all(sending)
      await eventually('the last message to arrive', () => arrivalOf(sent.at(-1)?.message) !== undefined)
      // What comes a second time would come about now.
      await sleep(500)
      end()
      // What a silent connection held back comes once that is mended, when nobody waits for it any more.
      const missed = sent.filter(({ message, atMs }) => {
        const arrival = arrivalOf(message)
        return arrival === undefined || arrival.atMs - atMs > FOUND_WITHIN_MS
      })
      const twice = received.filter((each) => arrivalOf(each.message) !== each)
      return { sent, missed, twice }
    },
  }
}

const gapsOf = (bus: BusPort) => {
  const seen = { gaps: 0 }
  bus.onGap(() => {
    seen.gaps += 1
  })
  return seen
}

const hearsAgain = ({ redis, overRedis }: BusProcess) =>
  eventually('it to hear Redis again', () => redis.health.isUp() && overRedis.hears(), 20_000)

describeWithRedis('FailoverBus between Redis and Postgres', () => {
  const { server, database, start, operate, listening, calls } = busProcesses()
  let admin: postgres.Sql
  /** Messages, without probes and what processes say of themselves, that went over Postgres. */
  const notified: string[] = []

  beforeAll(async () => {
    process.on('unhandledRejection', note)
    admin = postgres(database().adminUrl, { max: 1, onnotice: () => undefined })
    await admin.listen('parley_bus', (payload) => payload.includes(' ') && notified.push(payload))
  })
  beforeEach(() => void unhandled.splice(0))
  afterAll(async () => {
    process.off('unhandledRejection', note)
    await admin?.end({ timeout: 1 })
  })

  /** Messages of `a` go over Redis and over nothing else. */
  const usesRedisAlone = async (a: BusProcess, b: BusProcess) => {
    const topic = randomUUID()
    const received: string[] = []
    const end = await b.bus.subscribe(topic, (message) => received.push(message))
    await sleep(BOTH_FOR_MS)
    const [published, before] = [await calls('publish'), notified.length]
    for (let index = 0; index < 50; index += 1) await a.bus.publish(topic, String(index))
    await eventually('all to arrive', () => received.length === 50)
    await sleep(200)
    end()
    expect((await calls('publish')) - published).toBeGreaterThanOrEqual(50)
    expect(notified.slice(before)).toEqual([])
  }

  it('goes on while Redis is killed and comes back, and is on Redis again then (fault R1, pitfall 6)', async () => {
    const [a, b] = [await start(), await start()]
    const gap = gapsOf(b.bus)
    const streams = [await stream(a.bus, b.bus), await stream(b.bus, a.bus)]
    await sleep(500)
    const killedAtMs = performance.now()
    await server().kill()
    await eventually('Redis to be given up', () => a.bus.state().state === 'fallback')
    await sleep(2_000)
    await server().restart()
    for (const process of [a, b]) await hearsAgain(process)
    await sleep(500)
    for (const each of streams) {
      const { sent, missed, twice } = await each.end()
      expect(twice).toEqual([])
      expect(sent.filter(({ isHandedOver }) => !isHandedOver)).toEqual([])
      // What the server had taken and not passed on when it died.
      expect(missed.filter(({ atMs }) => Math.abs(atMs - killedAtMs) > 200)).toEqual([])
    }
    expect(gap.gaps).toBeGreaterThan(0)
    await usesRedisAlone(a, b)
    expect(unhandled).toEqual([])
  })

  it('goes on where the connections that listen are killed alone (fault R9)', async () => {
    const [a, b] = [await start(), await start()]
    const gap = gapsOf(b.bus)
    const each = await stream(a.bus, b.bus)
    await sleep(500)
    const killedAtMs = performance.now()
    await operate('client', 'kill', 'type', 'pubsub')
    await hearsAgain(b)
    await sleep(1_000)
    const { missed, twice } = await each.end()
    expect(twice).toEqual([])
    expect(missed.filter(({ atMs }) => Math.abs(atMs - killedAtMs) > FOUND_WITHIN_MS)).toEqual([])
    expect(gap.gaps).toBeGreaterThan(0)
    await usesRedisAlone(a, b)
  })

  it.each([
    ['in silence', { is: 'frozen' }],
    ['with every connection', { is: 'reset' }],
  ] as const)(
    'goes on for a process that is cut off alone, %s (fault R11, pitfall 6)',
    async (_how, mode) => {
      const [a, b] = [await start(), await start()]
      const gap = gapsOf(b.bus)
      const [toB, fromB] = [await stream(a.bus, b.bus), await stream(b.bus, a.bus)]
      await sleep(500)
      const cutAtMs = performance.now()
      await b.way.set(mode)
      await sleep(2 * FOUND_WITHIN_MS + 1_000)
      expect([a.bus.state().state, b.bus.state().state]).toEqual(['primary', 'fallback'])
      const mendedAtMs = performance.now()
      await b.way.set({ is: 'up' })
      await hearsAgain(b)
      await sleep(500)
      const isFound = ({ atMs }: Sent) => atMs < cutAtMs - 200 || atMs > cutAtMs + FOUND_WITHIN_MS
      for (const each of [toB, fromB]) {
        const { sent, missed, twice } = await each.end()
        expect(sent.filter(({ atMs }) => atMs > cutAtMs && atMs < mendedAtMs).length).toBeGreaterThan(50)
        expect(twice).toEqual([])
        expect(missed.filter(isFound)).toEqual([])
      }
      expect(gap.gaps).toBeGreaterThan(0)
      await usesRedisAlone(a, b)
      expect(unhandled).toEqual([])
    },
  )

  it('goes on for a process that publishes and does not hear (fault R12)', async () => {
    const [a, b] = [await start(), await start()]
    const gap = gapsOf(b.bus)
    const [toB, fromB] = [await stream(a.bus, b.bus), await stream(b.bus, a.bus)]
    await sleep(500)
    const cutAtMs = performance.now()
    b.mute(true)
    await sleep(2 * FOUND_WITHIN_MS + 1_000)
    expect([b.bus.state().state, b.overRedis.hears()]).toEqual(['primary', false])
    expect(gap.gaps).toBeGreaterThan(0)
    const [ofA, ofB] = [await toB.end(), await fromB.end()]
    expect([ofA.twice, ofB.twice, ofB.missed]).toEqual([[], [], []])
    expect(ofA.missed.length).toBeGreaterThan(0)
    expect(ofA.missed.filter(({ atMs }) => atMs < cutAtMs - 200 || atMs > cutAtMs + FOUND_WITHIN_MS)).toEqual(
      [],
    )
    b.mute(false)
    await hearsAgain(b)
    await usesRedisAlone(a, b)
  })

  it('neither doubles nor gathers anything while Redis comes and goes (fault R13, pitfall 6)', async () => {
    const [a, b] = [await start(), await start()]
    const streams = [await stream(a.bus, b.bus), await stream(b.bus, a.bus)]
    for (let turn = 0; turn < 6; turn += 1) {
      for (const { way } of [a, b]) await way.set({ is: turn % 2 === 0 ? 'down' : 'frozen' })
      await sleep(1_000)
      for (const { way } of [a, b]) await way.set({ is: 'up' })
      await sleep(1_000)
    }
    for (const process of [a, b]) await hearsAgain(process)
    for (const each of streams) expect((await each.end()).twice).toEqual([])
    await eventually('one listening connection each', async () => (await listening()).length === 2)
    const clients = async () => String(await operate('client', 'list')).match(/^id=/gm)?.length
    // One more each for commands, and the one that asks.
    await eventually('no connection too many', async () => (await clients()) === 5)
    await usesRedisAlone(a, b)
    expect(unhandled).toEqual([])
  })
})
