import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresStore, type Database, openDatabase } from '../../adapters/postgres/index.js'
import { SystemClock, UuidIds } from '../../adapters/system/index.js'
import { change, draftOf } from '../contracts/store.js'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, type Json, Person, until } from '../support/person.js'

let instances: Instances
let one: string
let two: string
/** A process that gives no hints: what it commits, the servers can only find. */
let mute: Database
const people: Person[] = []

beforeAll(async () => {
  instances = await startInstances(2)
  ;[one = '', two = ''] = instances.urls
  mute = openDatabase({ url: instances.variables.DATABASE_URL ?? '' })
})
afterEach(() => {
  for (const person of people.splice(0)) person.close()
})
afterAll(async () => {
  await mute?.close()
  await instances?.stop()
})

/** A socket that keeps what it was told of how rooms stand. */
class Device {
  readonly told: Json[] = []

  private constructor(readonly socket: Socket) {
    socket.on('room:changed', (payload: Json) => void this.told.push(payload))
  }

  static async connect(person: Person, url: string): Promise<Device> {
    return new Device(await person.connect(url))
  }

  last(roomId: string): Json | undefined {
    return this.told.findLast((standing) => standing.roomId === roomId)
  }

  count(roomId: string): number {
    return this.told.filter((standing) => standing.roomId === roomId).length
  }

  async hears(standing: Json & { readonly roomId: string }, withinMs = 10_000): Promise<void> {
    await until(
      `${JSON.stringify(standing)} is told`,
      () => Object.entries(standing).every(([name, value]) => this.last(standing.roomId)?.[name] === value),
      withinMs,
    ).catch((error) => {
      throw new Error(`${error.message}; told: ${JSON.stringify(this.told)}`)
    })
  }
}

async function signUp(name: string): Promise<Person> {
  const person = await Person.signUp(one, name)
  people.push(person)
  return person
}

async function say(person: Person, roomId: string, url = one): Promise<void> {
  const body = { clientMessageId: randomUUID(), text: 'said aloud' }
  const { status } = await person.http('POST', `/rooms/${roomId}/messages`, body, url)
  expect(status).toBe(201)
}

/** Sends through the process that gives no hints. */
async function sayUnheard(person: Person, roomId: string): Promise<void> {
  const store = { ...createPostgresStore(mute), clock: new SystemClock(), ids: new UuidIds() }
  const draft = draftOf(store, roomId, person.userId, 'said unheard')
  const actor = { userId: person.userId, loginId: null }
  const make = () => ({ ok: true, value: [{ type: 'message.sent', draft }] }) as const
  expect((await change(store, roomId, actor, { make })).ok).toBe(true)
}

/** A room of two with nothing said, all of it told, so that what comes next is news. */
async function openRoomOfTwo() {
  const [ada, ben] = [await signUp('Ada'), await signUp('Ben')]
  const roomId = await ada.createRoom()
  await ada.invite(roomId, ben)
  return { ada, ben, roomId }
}

describe('room:changed', () => {
  it('comes to every socket of every member at both servers, whether it has joined the room or not', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    const devices = await Promise.all([one, one, two, two].map((url) => Device.connect(ben, url)))
    const own = await Device.connect(ada, two)
    const stranger = await Device.connect(await signUp('Cleo'), two)
    for (const device of [devices[1], devices[3]])
      if (device !== undefined) await expectOk(call(device.socket, 'room:join', { roomId }))
    for (let i = 0; i < 3; i += 1) await say(ada, roomId)
    for (const device of devices)
      await device.hears({ roomId, role: 'member', headSeq: 5, readSeq: 0, unread: 3 })
    await own.hears({ roomId, role: 'owner', headSeq: 5, readSeq: 0, unread: 0 })
    expect(stranger.told).toEqual([])
  })

  it('tells the other devices of a reader, and nobody else, how far they have read', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    for (let i = 0; i < 3; i += 1) await say(ada, roomId)
    const devices = await Promise.all([one, two].map((url) => Device.connect(ben, url)))
    const other = await Device.connect(ada, two)
    await sleep(1_500)
    const before = other.count(roomId)
    await expectOk(call((devices[0] as Device).socket, 'message:read', { roomId, seq: 4 }))
    for (const device of devices) await device.hears({ roomId, headSeq: 5, readSeq: 4, unread: 1 })
    const { status } = await ben.http('PUT', `/rooms/${roomId}/read`, { seq: 5 }, two)
    expect(status).toBeLessThan(300)
    for (const device of devices) await device.hears({ roomId, headSeq: 5, readSeq: 5, unread: 0 })
    expect(other.count(roomId)).toBe(before)
  })

  it('comes at most once a second a room, whatever is sent and read there and at which server (input G6)', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    const devices = await Promise.all([one, two].map((url) => Device.connect(ben, url)))
    await sleep(1_500)
    const before = devices.map((device) => device.count(roomId))
    const start = performance.now()
    for (let round = 0; performance.now() - start < 5_000; round += 1) {
      await say(ada, roomId, round % 3 === 0 ? two : one)
      await sleep(120)
      const reader = devices[round % 2] as Device
      await expectOk(call(reader.socket, 'message:read', { roomId, seq: 2 + round }))
    }
    const counts = devices.map((device, index) => device.count(roomId) - (before[index] ?? 0))
    const seconds = (performance.now() - start) / 1_000
    for (const count of counts) {
      expect(count).toBeLessThanOrEqual(Math.floor(seconds) + 1)
      expect(count).toBeGreaterThanOrEqual(2)
    }
  })

  it('tells who is invited of the new room, and who is removed of a room without a role', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    const cleo = await signUp('Cleo')
    const [invited, removed] = [await Device.connect(cleo, two), await Device.connect(ben, two)]
    await ada.invite(roomId, cleo, 'observer')
    await invited.hears({ roomId, role: 'observer', headSeq: 3, unread: 0 })
    const { status } = await ada.http('DELETE', `/rooms/${roomId}/members/${ben.userId}`)
    expect(status).toBeLessThan(300)
    await removed.hears({ roomId, role: null, unread: 0 })
    await say(ada, roomId)
    await invited.hears({ roomId, role: 'observer', headSeq: 5, unread: 1 })
    expect(removed.last(roomId)?.role).toBeNull()
  })

  it('comes within seconds although no hint tells of the message, to sockets in the room and to others', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    const [outside, inside] = await Promise.all([one, two].map((url) => Device.connect(ben, url)))
    if (outside === undefined || inside === undefined) throw new Error('no devices')
    await expectOk(call(inside.socket, 'room:join', { roomId }))
    await say(ada, roomId)
    for (const device of [outside, inside]) await device.hears({ roomId, headSeq: 3, unread: 1 })
    await sayUnheard(ada, roomId)
    for (const device of [outside, inside]) await device.hears({ roomId, headSeq: 4, unread: 2 }, 5_000)
  })

  it('comes for everything that happened while a server did not listen: messages, readings, invitations', async () => {
    const { ada, ben, roomId } = await openRoomOfTwo()
    const cleo = await signUp('Cleo')
    const [other, invited] = [await Device.connect(ben, two), await Device.connect(cleo, two)]
    await say(ada, roomId)
    await other.hears({ roomId, headSeq: 3, unread: 1 })
    await deaf(async () => {
      await ada.invite(roomId, cleo)
      await say(ada, roomId)
      await ben.http('PUT', `/rooms/${roomId}/read`, { seq: 3 }, one)
    })
    await other.hears({ roomId, headSeq: 5, readSeq: 3, unread: 1 }, 8_000)
    await invited.hears({ roomId, role: 'member', headSeq: 5 }, 8_000)
  })
})

/** Does something while no server can listen: their listening connections are ended, and no connection is let in. */
async function deaf(work: () => Promise<void>): Promise<void> {
  const { sql } = instances
  const [database] = await sql<{ name: string }[]>`select current_database() as name`
  const name = database?.name ?? ''
  await sql.unsafe(`alter database ${name} connection limit 0`)
  try {
    const ended = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = ${name} and application_name like '%-listen'`
    expect(ended.length).toBe(2)
    await work()
  } finally {
    await sql.unsafe(`alter database ${name} connection limit -1`)
  }
}
