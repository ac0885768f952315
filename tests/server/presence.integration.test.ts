import type { Socket } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { startServer } from '../support/server-process.js'

/** Contract: how long others may see someone online after a disconnect, and after the death of a process. */
const AFTER_DISCONNECT_MS = 20_000
const AFTER_KILL_MS = 60_000
/** Less than the 10 s within which one may come back unnoticed, with room for a busy machine. */
const SHORT_ABSENCE_MS = 3_000

let instances: Instances
let ada: Person
let ben: Person
let roomId: string
let told: string[]
let watcher: Socket
beforeEach(async () => {
  instances = await startInstances(2)
  const [here = '', there = ''] = instances.urls
  ;[ada, ben] = await Promise.all([Person.signUp(here, 'Ada'), Person.signUp(there, 'Ben')])
  roomId = await ada.createRoom()
  await ada.invite(roomId, ben)
  watcher = await ada.connect()
  await expectOk(call(watcher, 'room:join', { roomId }))
  told = []
  watcher.on('presence', (notice: { userId: string; state: string }) => {
    if (notice.userId === ben.userId) told.push(notice.state)
  })
})
afterEach(async () => {
  ada?.close()
  ben?.close()
  await instances?.stop()
})

/** Ben as the room shows him when Ada asks. */
async function stateOfBen(): Promise<unknown> {
  const { body } = await ada.http('GET', `/rooms/${roomId}/presence`)
  const members = body.members as { userId: string; state: string }[]
  return members.find(({ userId }) => userId === ben.userId)?.state
}

async function comeOnline(): Promise<Socket> {
  const socket = await ben.connect()
  await until('the others are told that he came', () => told.includes('online'), AFTER_DISCONNECT_MS)
  return socket
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('presence over two servers', () => {
  it('stays online while one of two tabs is open, and is offline within 20 s after the last', async () => {
    const [first, second] = [await comeOnline(), await ben.connect(instances.urls[0])]
    await expectOk(call(second, 'presence:set', { state: 'online' }))
    first.disconnect()
    await rest(AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online'])
    expect(await stateOfBen()).toBe('online')

    second.disconnect()
    await until('the others are told that he went', () => told.includes('offline'), AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online', 'offline'])
    expect(await stateOfBen()).toBe('offline')
  }, 120_000)

  it('says nothing of one who was gone for 3 s', async () => {
    const socket = await comeOnline()
    // Without the packet that says goodbye.
    socket.io.engine.close()
    await rest(SHORT_ABSENCE_MS)
    const again = await ben.connect()
    await expectOk(call(again, 'presence:set', { state: 'online' }))
    await rest(AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online'])
    expect(await stateOfBen()).toBe('online')
  }, 120_000)

  it('is told by the others where a process was killed before it had told', async () => {
    const [here = ''] = instances.urls
    const [, there] = instances.servers
    const isStored = async () =>
      (await instances.sql`select from presence_sockets where user_id = ${ben.userId}`).length > 0
    // Whoever wants to tell of someone reads the rooms of that user first.
    await instances.sql.begin(async (sql) => {
      await sql`lock table room_members in access exclusive mode`
      await ben.connect()
      await until('he is in the store', isStored)
      await there?.kill()
    })
    expect(told).toEqual([])
    await ben.connect(here)
    await until('the others are told that he is there', () => told.includes('online'), AFTER_DISCONNECT_MS)
    await rest(SHORT_ABSENCE_MS)
    expect(told).toEqual(['online'])
    expect(await stateOfBen()).toBe('online')
  }, 120_000)

  it('is offline within 60 s for the members elsewhere when the process is killed', async () => {
    await comeOnline()
    const [, there] = instances.servers
    await there?.kill()
    await until('the others are told that he went', () => told.includes('offline'), AFTER_KILL_MS)
    expect(told).toEqual(['online', 'offline'])
    expect(await stateOfBen()).toBe('offline')

    const next = await startServer(instances.variables)
    instances.servers.push(next)
    await ben.connect(next.url)
    await until('the others are told that he is back', () => told.length === 3, AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online', 'offline', 'online'])
  }, 120_000)
})
