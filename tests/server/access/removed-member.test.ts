import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { call, expectOk, type Json, type Person, until } from '../../support/person.js'
import { done, makeScene, type Scene, say } from '../roles/cast.js'
import { twoServers } from './two-servers.js'
import { Watcher } from './watcher.js'

const servers = twoServers()

/** How long a removed member's sockets are listened to for what must not come. */
const LISTEN_MS = 3_000

/** Removes at the first server; resolves with the ack. */
const removeFrom = ({ cast, roomId }: Scene, who: Person) =>
  done(cast.owner, 'DELETE', `/rooms/${roomId}/members/${who.userId}`)

let written = 0
const message = (roomId: string): Json => {
  written += 1
  return { roomId, clientMessageId: `after-${written}`, text: 'I am still here.' }
}

const fields = ({ roomId: _, ...rest }: Json): Json => rest

const leftSeqOf = async ({ cast, roomId }: Scene, who: Person): Promise<number> => {
  const { events } = await done(cast.owner, 'GET', `/rooms/${roomId}/events?since=0&limit=500`)
  const left = (events as { seq: number; type: string; data: Json }[]).findLast(
    ({ type, data }) => type === 'member.left' && data.userId === who.userId,
  )
  return left?.seq ?? Number.NaN
}

describe('a member who is removed at one server while connected to the other', () => {
  it('is refused every write and every read from the moment of the ack (input C3)', async () => {
    const { two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId, messages } = scene
    const { member } = cast
    const { socket } = await Watcher.connect(member, two)
    await expectOk(call(socket, 'room:join', { roomId }))
    const before = message(roomId)
    await expectOk(call(socket, 'message:send', before))

    await removeFrom(scene, member)
    const [own, others] = [{ messageId: messages.member }, { messageId: messages.owner }]
    const events: readonly (readonly [string, Json])[] = [
      ['message:send', message(roomId)],
      ['message:send', before],
      ['message:edit', { ...own, text: 'No.' }],
      ['message:delete', own],
      ['message:react', { ...others, emoji: '👎', on: true }],
      ['message:flag', { ...others, on: true }],
      ['message:read', { roomId, seq: 1 }],
      ['typing:set', { roomId, typing: true }],
      ['message:list', { roomId }],
      ['message:around', others],
      ['message:search', { roomId, q: 'said' }],
      ['room:sync', { roomId, since: 0 }],
      ['room:join', { roomId }],
    ]
    const acks = await Promise.all(
      events.map(async ([event, payload]) => [event, await call(socket, event, payload)] as const),
    )
    for (const [event, ack] of acks) expect(ack.ok ? 'ok' : ack.error.code, event).toBe('NOT_FOUND')
    const sent = await member.http('POST', `/rooms/${roomId}/messages`, fields(message(roomId)), two)
    expect(sent.status).toBe(404)

    const { events: log } = await done(
      cast.owner,
      'GET',
      `/rooms/${roomId}/events?since=${await leftSeqOf(scene, member)}`,
    )
    expect(log).toEqual([])
  })

  it('is refused sends that were under way on all its sockets, and none is stored after the removal (input C3)', async () => {
    const { one, two, cast, sql } = servers()
    const scene = await makeScene(cast)
    const { roomId } = scene
    const { member } = cast
    const sockets = await Promise.all([one, two, two].map((url) => Watcher.connect(member, url)))
    const sends = sockets.flatMap(({ socket }) =>
      Array.from({ length: 20 }, () => call(socket, 'message:send', message(roomId))),
    )
    await removeFrom(scene, member)
    const late = await Promise.all(sockets.map(({ socket }) => call(socket, 'message:send', message(roomId))))
    expect(late.map((ack) => (ack.ok ? 'ok' : ack.error.code))).toEqual(late.map(() => 'NOT_FOUND'))
    const acks = await Promise.all(sends)
    const leftSeq = await leftSeqOf(scene, member)
    const stored = await sql<{ seq: number }[]>`
      select seq from messages where room_id = ${roomId} and sender_id = ${member.userId} and seq > ${leftSeq}`
    expect([...stored]).toEqual([])
    for (const ack of acks) if (!ack.ok) expect(ack.error.code).toBe('NOT_FOUND')
  })

  it('gets the event of the removal as the last of the room, while the others go on (input C4)', async () => {
    const { one, two, cast } = servers()
    const scenes = await Promise.all(Array.from({ length: 5 }, () => makeScene(cast)))
    const { member, owner, moderator } = cast
    const guests = await Promise.all([one, two].map((url) => Watcher.connect(member, url)))
    const witness = await Watcher.connect(moderator, two)
    const heads = new Map<string, readonly number[]>()
    for (const { roomId } of scenes) {
      heads.set(roomId, await Promise.all(guests.map((guest) => guest.join(roomId))))
      await witness.join(roomId)
    }

    const talk = async (scene: Scene, index: number) => {
      const { roomId, messages } = scene
      let removal: Promise<unknown> = Promise.resolve()
      for (let round = 0; round < 8; round += 1) {
        const url = round % 2 === 0 ? one : two
        await owner.http('POST', `/rooms/${roomId}/messages`, fields(message(roomId)), url)
        await owner.http('PUT', `/messages/${messages.member}/reactions/${encodeURIComponent('👍')}`, {}, url)
        await owner.http(
          'DELETE',
          `/messages/${messages.member}/reactions/${encodeURIComponent('👍')}`,
          undefined,
          url,
        )
        await call(witness.socket, 'typing:set', { roomId, typing: true })
        await call(witness.socket, 'message:read', { roomId, seq: 6 + round })
        if (round === 2 + (index % 3)) removal = removeFrom(scene, member)
      }
      await removal
    }
    await Promise.all(scenes.map(talk))
    await sleep(LISTEN_MS)

    for (const scene of scenes) {
      const { roomId } = scene
      const leftSeq = await leftSeqOf(scene, member)
      for (const [index, guest] of guests.entries()) {
        const first = Number(heads.get(roomId)?.[index]) + 1
        const seqs = guest.logOf(roomId).map(({ seq }) => seq)
        expect(seqs).toEqual(Array.from({ length: leftSeq - first + 1 }, (_, i) => first + i))
        expect(guest.logOf(roomId).at(-1)).toMatchObject({
          type: 'member.left',
          data: { userId: member.userId },
        })
        expectNothingAfterLeaving(guest, roomId, leftSeq)
      }
      expect(witness.logOf(roomId).at(-1)?.seq).toBeGreaterThan(leftSeq + 5)
    }
  })

  it('gets nothing more of a room that it left by itself at the other server (input C4)', async () => {
    const { two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId } = scene
    const { member, bystander } = cast
    const guest = await Watcher.connect(member, two)
    await guest.join(roomId)
    const staying = await Watcher.connect(bystander, two)
    await staying.join(roomId)
    await done(member, 'DELETE', `/rooms/${roomId}/members/${member.userId}`)
    for (let i = 0; i < 5; i += 1) await say(cast.owner, roomId, `after the leaving ${i}`)
    await until('who stays hears all', () => staying.logOf(roomId).length >= 6)
    await sleep(LISTEN_MS)
    const leftSeq = await leftSeqOf(scene, member)
    expect(guest.logOf(roomId).map(({ seq }) => seq)).toEqual([leftSeq])
    expectNothingAfterLeaving(guest, roomId, leftSeq)
  })

  /** Of a room that a user is no longer in, one `room:changed` may still say so. */
  function expectNothingAfterLeaving(guest: Watcher, roomId: string, leftSeq: number): void {
    const heard = guest.about(roomId)
    const leaving = heard.findIndex(
      ({ event, payload }) =>
        event === 'room:events' && (payload.events as { seq: number }[]).some(({ seq }) => seq === leftSeq),
    )
    expect(leaving).toBeGreaterThanOrEqual(0)
    const after = heard.slice(leaving + 1)
    expect(after.filter(({ event }) => event !== 'room:changed')).toEqual([])
    expect(after.filter(({ payload }) => payload.role !== null)).toEqual([])
    expect(after.length).toBeLessThanOrEqual(1)
    for (const { payload } of heard.filter(({ event }) => event === 'room:changed'))
      expect(payload.role === null ? Number(payload.headSeq) <= leftSeq : true, JSON.stringify(payload)).toBe(
        true,
      )
  }

  it('is told on every device that it is no longer a member, and nothing of what came after (input C4)', async () => {
    const { one, two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId } = scene
    const devices = await Promise.all([one, two].map((url) => Watcher.connect(cast.member, url)))
    await sleep(1_200)
    await removeFrom(scene, cast.member)
    await Promise.all(Array.from({ length: 30 }, (_, i) => say(cast.owner, roomId, `quickly after ${i}`)))
    const leftSeq = await leftSeqOf(scene, cast.member)
    for (const { heard } of devices) {
      const told = () =>
        heard.filter(({ event, payload }) => event === 'room:changed' && payload.roomId === roomId)
      await until('the device is told', () => told().some(({ payload }) => payload.role === null))
      const last = told().findLast(({ payload }) => payload.role === null)
      expect(last?.payload.headSeq).toBeLessThanOrEqual(leftSeq)
      expect(last?.payload.unread).toBe(0)
    }
  })

  it('is answered NOT_FOUND when it reconnects with an old offset, at either server (input C6)', async () => {
    const { one, two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId } = scene
    const first = await Watcher.connect(cast.member, two)
    const since = await first.join(roomId)
    first.socket.disconnect()
    await removeFrom(scene, cast.member)
    for (const url of [one, two]) {
      const again = await Watcher.connect(cast.member, url)
      const never = await call(again.socket, 'room:join', { roomId: cast.member.userId, since })
      for (const [event, payload] of [
        ['room:join', { roomId, since }],
        ['room:join', { roomId, since: 0 }],
        ['room:join', { roomId }],
        ['room:sync', { roomId, since }],
      ] as const) {
        const ack = await call(again.socket, event, payload)
        expect(ack).toEqual(never)
        expect(ack.ok ? 'ok' : ack.error.code).toBe('NOT_FOUND')
      }
      await say(cast.owner, roomId, `said to those who are here ${url}`)
      await sleep(500)
      expect(again.logOf(roomId)).toEqual([])
    }
  })

  it('catches up from its old offset once it is let in again (input C6)', async () => {
    const { two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId } = scene
    const device = await Watcher.connect(cast.member, two)
    const since = await device.join(roomId)
    await removeFrom(scene, cast.member)
    await say(cast.owner, roomId, 'said meanwhile')
    await cast.owner.invite(roomId, cast.member)
    const { events, headSeq } = await expectOk(call(device.socket, 'room:join', { roomId, since }))
    expect((events as { seq: number; type: string }[]).map(({ type }) => type)).toEqual([
      'member.left',
      'message.sent',
      'member.joined',
    ])
    expect(headSeq).toBe(since + 3)
    await say(cast.owner, roomId, 'said to all again')
    await until('the device hears the room again', () => device.logOf(roomId).at(-1)?.seq === since + 4)
  })

  it('is served no list, page or search that was read before the removal (input C17)', async () => {
    const { one, two, cast } = servers()
    const scene = await makeScene(cast)
    const { roomId, messages } = scene
    const { member } = cast
    const routes = [
      `/rooms/${roomId}`,
      `/rooms/${roomId}/members`,
      `/rooms/${roomId}/messages`,
      `/rooms/${roomId}/events?since=0`,
      `/rooms/${roomId}/search?q=said&limit=2`,
      `/rooms/${roomId}/presence`,
      `/messages/${messages.owner}/around`,
      `/messages/${messages.owner}/versions`,
    ]
    const read = (path: string, url: string) => member.http('GET', path, undefined, url)
    const warm = await Promise.all([one, two].flatMap((url) => routes.map((path) => read(path, url))))
    expect(warm.map(({ status }) => status)).toEqual(warm.map(() => 200))
    const search = await read(`/rooms/${roomId}/search?q=said&limit=2`, two)
    expect(search.body.nextCursor).not.toBeNull()
    const next = `/rooms/${roomId}/search?q=said&limit=2&cursor=${search.body.nextCursor}`
    expect((await read(next, two)).status).toBe(200)

    await removeFrom(scene, member)
    const after = await Promise.all(
      [one, two].flatMap((url) => [...routes, next].map((path) => read(path, url))),
    )
    expect(after.map(({ status }) => status)).toEqual(after.map(() => 404))
    const rooms = await Promise.all([one, two].map((url) => read('/rooms?limit=200', url)))
    for (const { body } of rooms) expect(JSON.stringify(body)).not.toContain(roomId)
  })
})
