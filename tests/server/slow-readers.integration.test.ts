import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { type LogEvent, MemberLog, messagesOf } from '../support/member-log.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { metric } from './hostile/measures.js'
import { RawSocket } from './hostile/raw-socket.js'

const SLOW = 5
/** As long as a message may be: 24 kB. */
const TEXT = '漢'.repeat(8_000)
/** 19 MB: more than the network keeps for one connection and what may wait for one. */
const FLOOD = 800
const SENDERS = 4
const MEBIBYTE = 1_048_576

let instances: Instances
let url: string
beforeAll(async () => {
  instances = await startInstances(1)
  url = instances.urls[0] ?? ''
})
afterAll(() => instances?.stop())

const cut = () => metric(url, 'parley_slow_readers_total')

/** A member who is in the room and takes nothing more from the network. */
async function slowReader(person: Person, roomId: string): Promise<{ raw: RawSocket; headSeq: number }> {
  const raw = await RawSocket.signedIn(url, person.accessToken)
  const joined = (await raw.call(1, ['room:join', { roomId }])) as { data: { headSeq: number } }
  raw.stopReading()
  return { raw, headSeq: joined.data.headSeq }
}

/** Sends the whole flood, and answers the slowest ack in ms. */
async function flood(person: Person, roomId: string): Promise<number> {
  let sent = 0
  let slowest = 0
  const socket = await person.connect()
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (sent < FLOOD) {
        sent += 1
        const draft = { roomId, clientMessageId: `m-${sent}`, text: TEXT }
        const startedMs = performance.now()
        await expectOk(call(socket, 'message:send', draft))
        slowest = Math.max(slowest, performance.now() - startedMs)
      }
    }),
  )
  return slowest
}

async function eventsSince(person: Person, roomId: string, since: number): Promise<LogEvent[]> {
  const socket = await person.connect()
  const events: LogEvent[] = []
  for (let hasMore = true; hasMore; ) {
    const page = await expectOk(
      call(socket, 'room:sync', { roomId, since: events.at(-1)?.seq ?? since, limit: 500 }),
    )
    events.push(...(page.events as LogEvent[]))
    hasMore = page.hasMore as boolean
  }
  return events
}

describe('a client that stops reading', () => {
  it('input G4, fault C1: is cut at the byte cap, costs no memory and no one else, and gets all when it comes back', async () => {
    const [ada, ben] = await Promise.all([Person.signUp(url, 'Ada'), Person.signUp(url, 'Ben')])
    const roomId = await ada.createRoom()
    await ada.invite(roomId, ben)
    const log = await MemberLog.join(await ada.connect(), roomId)
    const before = await metric(url, 'process_resident_memory_bytes')
    const slow = await Promise.all(Array.from({ length: SLOW }, () => slowReader(ben, roomId)))
    expect(await cut()).toBe(0)

    let over = false
    let most = 0
    const watching = (async () => {
      while (!over) {
        most = Math.max(most, await metric(url, 'process_resident_memory_bytes'))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })()
    let slowestMs: number
    try {
      slowestMs = await flood(ada, roomId)
      await until('all slow readers are cut', async () => (await cut()) === SLOW, 20_000)
    } finally {
      over = true
      await watching
    }
    // Those two of the one who sends and reads.
    expect(await metric(url, 'parley_sockets')).toBe(2)

    expect((most - before) / MEBIBYTE).toBeLessThan(300)
    expect(Math.floor(slowestMs / 1_000)).toBeLessThan(5)
    await until('the reader has it all', () => messagesOf(log.events).length === FLOOD, 20_000)
    expect(log.anomalies).toEqual([])

    const since = slow[0]?.headSeq ?? 0
    expect(await eventsSince(ben, roomId, since)).toEqual(log.events.filter(({ seq }) => seq > since))
    for (const { raw } of slow) raw.destroy()
    ada.close()
    ben.close()
  }, 180_000)
})
