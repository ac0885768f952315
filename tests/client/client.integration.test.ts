import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStorage, type RoomHandle } from '../../apps/client/index.js'
import { type Instances, startInstances } from '../support/instances.js'
import { until } from '../support/person.js'
import { startServer } from '../support/server-process.js'
import { type Device, openDevice, requests, signUp, userIdOf } from './device.js'
import { type Losses, lossySockets, noLosses } from './lossy-socket.js'

const TWENTY = Array.from({ length: 20 }, (_, index) => `message ${index + 1}`)
const texts = (room: RoomHandle): string[] => room.getSnapshot().messages.map(({ text }) => text)

describe('clients of several servers', () => {
  let instances: Instances
  let losses: Losses
  const devices: Device[] = []

  beforeAll(async () => {
    instances = await startInstances(2)
  })
  afterAll(() => instances.stop())
  beforeEach(() => {
    losses = noLosses()
  })
  afterEach(async () => {
    await Promise.all(devices.splice(0).map(({ client }) => client.close()))
  })

  const urlOf = (index: number): string => instances.urls[index] ?? ''
  const stored = async (roomId: string): Promise<string[]> =>
    (await instances.sql`select text from messages where room_id = ${roomId} order by seq`).map(
      ({ text }) => text,
    )

  async function person(
    name: string,
    options: Partial<Parameters<typeof openDevice>[0]> = {},
  ): Promise<Device> {
    const device = await signUp(name, { url: urlOf(0), ...options })
    devices.push(device)
    return device
  }

  /** Two people, each at a server of their own, in a room. */
  async function inOneRoom(options: Partial<Parameters<typeof openDevice>[0]> = {}) {
    const ann = await person('Ann', options)
    const ben = await person('Ben', { url: urlOf(1) })
    const { id: roomId } = await ann.client.createRoom({ name: 'Kitchen' })
    const { code } = await ann.client.invite(roomId)
    await ben.client.acceptInvitation(code)
    const [anns, bens] = [ann.client.openRoom(roomId), ben.client.openRoom(roomId)]
    await Promise.all([anns.ready(), bens.ready()])
    return { ann, ben, anns, bens, roomId }
  }

  it('store a message once whose ack was lost, and show it once (fault C4)', async () => {
    const { ann, anns, bens, roomId } = await inOneRoom({ socket: lossySockets(losses) })
    let lost = 0
    losses.ack = (name) => {
      if (name !== 'message:send' || lost > 0) return false
      lost += 1
      // As when the connection is cut right after the commit.
      queueMicrotask(() => ann.client.reconnect())
      return true
    }
    const { outcome } = await anns.send('Hello')
    expect(await outcome).toMatchObject({ status: 'delivered' })
    expect(requests(ann, 'message:send')).toHaveLength(2)
    await until('both have it', () => texts(anns).length === 1 && texts(bens).length === 1)
    await anns.send('and on')
    await until('both have both', () => texts(anns).length === 2 && texts(bens).length === 2)
    expect(anns.getSnapshot().outgoing).toEqual([])
    expect(await stored(roomId)).toEqual(['Hello', 'and on'])
  })

  it('close the gap of events that were lost, and show nothing out of order meanwhile', async () => {
    const { ann, anns, bens, roomId } = await inOneRoom({ socket: lossySockets(losses) })
    let pushes = 0
    losses.push = (name) => {
      pushes += name === 'room:events' ? 1 : 0
      return name === 'room:events' && pushes % 3 !== 0
    }
    const seen: string[][] = []
    anns.subscribe(() => seen.push(texts(anns)))
    for (const text of TWENTY) await (await bens.send(text)).outcome
    await until('Ann has them all', () => texts(anns).length === 20)
    expect(texts(anns)).toEqual(TWENTY)
    for (const shown of seen) expect(shown).toEqual(TWENTY.slice(0, shown.length))
    expect(requests(ann, 'room:sync').length).toBeGreaterThan(0)
    expect(await stored(roomId)).toEqual(TWENTY)
  })

  it('deliver twenty messages that were written while there was no server, in order and once', async () => {
    let url = urlOf(0)
    const { ann, anns, bens, roomId } = await inOneRoom({ url: () => url })
    url = 'http://127.0.0.1:1'
    ann.client.reconnect()
    await until('she is offline', () => ann.client.connection.getSnapshot().status === 'waiting')
    const outgoing = []
    for (const text of TWENTY) outgoing.push(await anns.send(text))
    expect(anns.getSnapshot().outgoing.map(({ text }) => text)).toEqual(TWENTY)
    url = urlOf(1)
    const outcomes = await Promise.all(outgoing.map(({ outcome }) => outcome))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['delivered']))
    await until('Ben has them all', () => texts(bens).length === 20)
    expect(texts(bens)).toEqual(TWENTY)
    expect(await stored(roomId)).toEqual(TWENTY)
  })

  it('send in order and once from two clients on one storage, of which each goes to another server', async () => {
    const storage = memoryStorage()
    const { anns, roomId } = await inOneRoom({ storage })
    const second = openDevice({ url: urlOf(1), storage })
    devices.push(second)
    await second.client.resume()
    const other = second.client.openRoom(roomId)
    await other.ready()
    for (const [index, text] of TWENTY.entries()) await (index % 2 === 0 ? anns : other).send(text)
    await until('both have them', () => texts(anns).length === 20 && texts(other).length === 20)
    expect(texts(anns)).toEqual(TWENTY)
    expect(texts(other)).toEqual(TWENTY)
    expect(await stored(roomId)).toEqual(TWENTY)
  })

  it('log nobody out when two of one login renew it at once, or lose the answer (token)', async () => {
    const storage = memoryStorage()
    let lose = 0
    const fetchLossily = async (...[to, init]: Parameters<typeof fetch>) => {
      const response = await fetch(to, init)
      if (String(to).endsWith('/auth/refresh') && lose > 0) {
        lose -= 1
        throw new TypeError('the connection was reset')
      }
      return response
    }
    const first = await person('Ann', { storage, fetch: fetchLossily })
    const second = openDevice({ url: urlOf(1), storage, fetch: fetchLossily })
    devices.push(second)
    await second.client.resume()
    const [key = ''] = await storage.keys('parley:login')
    for (const losing of [0, 0, 1, 2]) {
      lose = losing
      const login = JSON.parse((await storage.get(key)) ?? '{}')
      // No token that they have is taken for good any more.
      const pages = [first, second].map(() => openDevice({ url: urlOf(0), storage, fetch: fetchLossily }))
      login.access.expiresAtMs = 0
      await storage.set(key, JSON.stringify(login))
      devices.push(...pages)
      await Promise.all(pages.map(({ client }) => client.resume()))
      const profiles = await Promise.all(pages.map(({ client }) => client.profile()))
      expect(profiles.map(({ user }) => user.displayName)).toEqual(['Ann', 'Ann'])
      for (const { client } of [first, second, ...pages])
        expect(client.session.getSnapshot().status).toBe('signed-in')
    }
  })

  it('go on where they were over the restart of a server, and move to another one (fault N2)', async () => {
    const third = await startServer(instances.variables)
    let url = third.url
    const { ann, anns, bens, roomId } = await inOneRoom({ url: () => url })
    await (await anns.send('before')).outcome
    url = urlOf(1)
    const stopped = third.stop()
    const sending = await anns.send('while it drains')
    await (await bens.send('from elsewhere')).outcome
    expect(await sending.outcome).toMatchObject({ status: 'delivered' })
    expect(await stopped).toBe(0)
    await until('she is at another server', () => ann.client.connection.getSnapshot().url === urlOf(1))
    await (await bens.send('after it')).outcome
    await until('Ann has it all', () => texts(anns).length === 4)
    expect(texts(anns)).toEqual(texts(bens))
    expect(await stored(roomId)).toEqual(texts(anns))
  })

  it('see their own edits and everyone else’s, at whichever server they read (fault C7)', async () => {
    let turn = 0
    const { ann, anns, roomId } = await inOneRoom({ url: () => urlOf(turn++ % 2) })
    const sent = await (await anns.send('version 0')).outcome
    if (sent.status !== 'delivered') throw new Error(sent.status)
    for (let version = 1; version <= 6; version += 1) {
      await anns.edit(sent.message.id, `version ${version}`)
      ann.client.reconnect()
      const page = await ann.client.request('message:list', { roomId, minSeq: 0 }, { repeat: true })
      expect(page.messages[0]?.text).toBe(`version ${version}`)
      await until('the room shows it', () => texts(anns)[0] === `version ${version}`)
    }
  })

  it('page back through all that is older than a room’s newest messages', async () => {
    const { ann, anns, roomId } = await inOneRoom()
    const all = Array.from({ length: 120 }, (_, index) => `message ${index}`)
    for (const text of all) await anns.send(text)
    await until('all are delivered', () => texts(anns).length === 120, 30_000)
    anns.close()
    const again = ann.client.openRoom(roomId)
    await again.ready()
    expect(texts(again)).toEqual(all.slice(-50))
    while (await again.loadOlder(40));
    expect(texts(again)).toEqual(all)
    expect(again.getSnapshot().hasOlder).toBe(false)
    const found = await again.search('message 7')
    expect(found.messages.length).toBeGreaterThan(0)
  }, 90_000)

  it('are told at once, and everywhere, that their login has ended', async () => {
    const storage = memoryStorage()
    const { ann, anns } = await inOneRoom({ storage })
    const email = ann.client.session.getSnapshot().user?.email ?? ''
    const phone = openDevice({ url: urlOf(1) })
    devices.push(phone)
    await phone.client.signIn({ email, password: 'a long and quiet sentence' })
    await until('the phone is online', () => phone.client.connection.getSnapshot().status === 'online')
    const [session] = (await phone.client.sessions()).filter(({ current }) => !current)
    await phone.client.endSession(session?.id ?? '')
    await until('Ann’s other device knows', () => ann.client.session.getSnapshot().status === 'signed-out')
    expect(ann.client.session.getSnapshot().reason).toBe('ended')
    expect(anns.getSnapshot()).toMatchObject({ status: 'ended', error: { code: 'SIGNED_OUT' } })
    expect(await storage.keys('parley:login')).toEqual([])
    expect(phone.client.session.getSnapshot().status).toBe('signed-in')
    await phone.client.signOut()
    await expect(phone.client.profile()).rejects.toMatchObject({ code: 'SIGNED_OUT' })
  })

  it('leave the room in which they are removed, while away as well', async () => {
    let url = urlOf(0)
    const { ann, ben, bens, roomId } = await inOneRoom({ url: () => url })
    await ann.client.rooms.load()
    await ben.client.rooms.load()
    await ann.client.removeMember(roomId, userIdOf(ben))
    await until('it has ended for Ben', () => bens.getSnapshot().status === 'ended')
    expect(bens.getSnapshot().error).toBeNull()
    await until('it has left his list', () => ben.client.rooms.getSnapshot().rooms.length === 0)
    const { outcome } = await ben.client.outbox.send(roomId, 'too late')
    expect(await outcome).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } })

    const { code } = await ann.client.invite(roomId)
    await ben.client.acceptInvitation(code)
    const again = ben.client.openRoom(roomId)
    await again.ready()
    expect(again.getSnapshot().status).toBe('live')
    await until('it is in his list again', () => ben.client.rooms.getSnapshot().rooms.length === 1)
    url = urlOf(1)
    ben.client.reconnect()
    await ann.client.removeMember(roomId, userIdOf(ben))
    await until('it has ended again', () => again.getSnapshot().status === 'ended')
  })
})
