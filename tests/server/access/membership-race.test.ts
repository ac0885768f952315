import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../../support/member-log.js'
import { type Ack, call, type Json, type Person, until } from '../../support/person.js'
import { fetchEvents } from '../../support/room-record.js'
import { done, makeScene, type Scene, say } from '../roles/cast.js'
import { twoServers } from './two-servers.js'
import { Watcher } from './watcher.js'

const servers = twoServers()

/** The times, in ms, at which `count` calls begin: spread evenly and interleaved, the same in each run. */
const spread = (count: number, withinMs: number, step: number): number[] =>
  Array.from({ length: count }, (_, index) => (index * step) % withinMs)

const codeOf = (ack: Ack): string => (ack.ok ? 'ok' : ack.error.code)

/** What `who` did in a room while not in it, going by the order of the log. */
function intrusions(log: readonly LogEvent[], who: Person): readonly LogEvent[] {
  let isMember = false
  return log.filter(({ type, actorId, data }) => {
    if (type === 'member.joined' && (data.member as { userId: string }).userId === who.userId) isMember = true
    else if (type === 'member.left' && data.userId === who.userId) isMember = false
    else return actorId === who.userId && !isMember
    return false
  })
}

describe('joining, removing and sending at the same time, at two servers', () => {
  it('accepts no message of a user after the commit of the removal (input C18)', async () => {
    const { one, two, cast, sql } = servers()
    const { roomId, code: _ } = await makeScene(cast)
    const { owner, bystander: guest } = cast
    const { code } = await done(owner, 'POST', `/rooms/${roomId}/invitations`, { maxUses: 1_000 })
    const sockets = await Promise.all([one, two, one, two].map((url) => guest.connect(url)))

    const joins = spread(100, 600, 37).map(async (ms, index) => {
      await sleep(ms)
      return guest.http('POST', `/invitations/${code}/accept`, {}, index % 2 === 0 ? one : two)
    })
    const removals = spread(100, 600, 41).map(async (ms, index) => {
      await sleep(ms)
      const path = `/rooms/${roomId}/members/${guest.userId}`
      return owner.http('DELETE', path, undefined, index % 2 === 0 ? two : one)
    })
    // Sent for as long as the others race: a message of a stranger is refused sooner than a change of members is made.
    let isRacing = true
    const sent: { readonly payload: { readonly clientMessageId: string }; readonly ack: Ack }[] = []
    const sends = [...sockets, ...sockets].map(async (socket) => {
      while (isRacing) {
        const payload = { roomId, clientMessageId: `race-${randomUUID()}`, text: 'race' }
        sent.push({ payload, ack: await call(socket, 'message:send', payload) })
      }
    })
    const racing = Promise.all([Promise.all(joins), Promise.all(removals)])
    const [joined, removed] = await racing.finally(() => {
      isRacing = false
    })
    await Promise.all(sends)

    const log = await fetchEvents(owner, roomId)
    expect(intrusions(log, guest)).toEqual([])
    const accepted = sent.filter(({ ack }) => ack.ok).map(({ payload }) => payload.clientMessageId)
    const rows = await sql<{ client_message_id: string }[]>`
      select client_message_id from messages where room_id = ${roomId} and client_message_id like 'race-%'`
    expect(rows.map((row) => row.client_message_id).toSorted()).toEqual(accepted.toSorted())
    for (const { ack } of sent) expect(['ok', 'NOT_FOUND']).toContain(codeOf(ack))
    for (const { status } of joined) expect(status).toBe(200)
    for (const { status } of removed) expect([204, 404]).toContain(status)

    // What was raced has really happened, often and both ways.
    const count = (type: string) => log.filter((event) => event.type === type).length
    expect(accepted.length).toBeGreaterThan(5)
    expect(accepted.length).toBeLessThan(sent.length)
    expect(count('member.left')).toBeGreaterThan(10)
    expect(count('member.joined')).toBeGreaterThan(10)
  })

  it('accepts no edit, deletion, reaction or flag of a user after the commit of the removal (input C18)', async () => {
    const { one, two, cast } = servers()
    const { roomId, messages } = await makeScene(cast)
    const { owner, bystander: guest } = cast
    const own = await Promise.all(Array.from({ length: 25 }, (_, i) => say(guest, roomId, `own ${i}`)))
    const sockets = await Promise.all([one, two].map((url) => guest.connect(url)))
    const calls: readonly (readonly [string, Json])[] = own.flatMap((messageId, index) => [
      ['message:edit', { messageId, text: `changed ${index}` }] as const,
      ['message:delete', { messageId }] as const,
      ['message:react', { messageId: messages.owner, emoji: '👍', on: index % 2 === 0 }] as const,
      ['message:flag', { messageId: messages.owner, on: index % 2 === 0 }] as const,
    ])
    const waiting = [...calls.entries()]
    const codes: string[] = []
    const workers = Array.from({ length: 12 }, async (_, worker) => {
      const socket = sockets[worker % sockets.length]
      if (socket === undefined) throw new Error('there is no socket')
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        codes.push(codeOf(await call(socket, ...next[1])))
    })
    await until('some have been accepted', () => codes.length >= 20)
    await done(owner, 'DELETE', `/rooms/${roomId}/members/${guest.userId}`)
    await Promise.all(workers)
    expect(intrusions(await fetchEvents(owner, roomId), guest)).toEqual([])
    expect(codes).toContain('ok')
    expect(codes.filter((code) => code === 'NOT_FOUND').length).toBeGreaterThan(10)
  })

  it('lets nobody do what a moderator may after the commit of their demotion (input C9)', async () => {
    const { one, two, cast } = servers()
    const { roomId } = await makeScene(cast)
    const { owner, moderator } = cast
    const targets = await Promise.all(
      Array.from({ length: 60 }, (_, i) => say(owner, roomId, `delete me ${i}`)),
    )
    const path = `/rooms/${roomId}/members/${moderator.userId}`
    const roles = spread(30, 300, 7).map(async (ms, index) => {
      await sleep(ms)
      return done(owner, 'PATCH', path, { role: index % 2 === 0 ? 'member' : 'moderator' })
    })
    const deletions = targets.map(async (messageId, index) => {
      await sleep((index * 37) % 300)
      return moderator.http('DELETE', `/messages/${messageId}`, undefined, index % 2 === 0 ? one : two)
    })
    await Promise.all(roles)
    const statuses = (await Promise.all(deletions)).map(({ status }) => status)

    let role = ''
    const wrong = (await fetchEvents(owner, roomId)).filter(({ type, actorId, data }) => {
      const member = type === 'member.joined' ? (data.member as Json) : data
      if (type.startsWith('member.') && member.userId === moderator.userId) role = String(member.role)
      return type === 'message.deleted' && actorId === moderator.userId && role !== 'moderator'
    })
    expect(wrong).toEqual([])
    expect(statuses.filter((status) => status !== 200 && status !== 403)).toEqual([])

    const last = await say(owner, roomId, 'delete me last')
    await done(owner, 'PATCH', path, { role: 'member' })
    const refused = await moderator.http('DELETE', `/messages/${last}`, undefined, two)
    expect(refused.status).toBe(403)
  })
})

describe('a user who is removed while joining', () => {
  type Order = 'joins first' | 'is removed first' | 'does both at once'
  const ORDERS: readonly Order[] = [
    'does both at once',
    'joins first',
    'does both at once',
    'does both at once',
    'is removed first',
    'does both at once',
  ]

  async function joinAndRemove(scene: Scene, device: Watcher, order: Order, delayMs: number, since?: number) {
    const { roomId, cast } = scene
    const join = () => call(device.socket, 'room:join', since === undefined ? { roomId } : { roomId, since })
    const remove = () => done(cast.owner, 'DELETE', `/rooms/${roomId}/members/${cast.member.userId}`)
    const talk = () => Promise.all([1, 2, 3].map((i) => say(cast.owner, roomId, `without them ${i}`)))
    if (order === 'is removed first') {
      await remove()
      await talk()
      return join()
    }
    const joining = join()
    if (order === 'joins first') await joining
    await sleep(delayMs)
    await remove()
    await talk()
    const ack = await joining
    // Long after: were the socket still in the room, it would hear this.
    await sleep(400)
    await say(cast.owner, roomId, 'long after')
    return ack
  }

  it.each([
    ['with an offset', 0],
    ['for a snapshot', undefined],
  ])('%s is answered and sent nothing from above the removal (input C4)', async (_how, since) => {
    const { two, cast } = servers()
    const rooms = await Promise.all(Array.from({ length: 24 }, () => makeScene(cast)))
    const device = await Watcher.connect(cast.member, two)
    const order = (index: number): Order => ORDERS[index % ORDERS.length] ?? 'does both at once'
    const acks = await Promise.all(
      rooms.map((scene, index) => joinAndRemove(scene, device, order(index), index % 9, since)),
    )
    await sleep(2_000)

    for (const [index, { roomId }] of rooms.entries()) {
      const log = await fetchEvents(cast.owner, roomId)
      const leftSeq = log.find(
        ({ type, data }) => type === 'member.left' && data.userId === cast.member.userId,
      )?.seq
      if (leftSeq === undefined) throw new Error('nobody was removed')
      expect(device.logOf(roomId).filter(({ seq }) => seq > leftSeq)).toEqual([])
      const ack = acks[index]
      if (order(index) !== 'does both at once') expect(ack?.ok).toBe(order(index) === 'joins first')
      if (ack?.ok !== true) continue
      expect(ack.data.headSeq, 'the head of the answer').toBeLessThan(leftSeq)
      const answered = (ack.data.events as LogEvent[] | null) ?? []
      expect(answered.filter(({ seq }) => seq >= leftSeq)).toEqual([])
    }
  })
})
