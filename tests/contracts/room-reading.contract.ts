import assert from 'node:assert/strict'
import { seededRandom } from '../../adapters/memory/index.js'
import type { Message } from '../../core/domain/message.js'
import {
  accepted,
  gaplessLog,
  join,
  leave,
  openRoom,
  openRoomOfThree,
  type Person,
  remove,
  type Store,
  type StoreContract,
  send,
  sendAll,
  setRole,
  signUp,
} from './store.js'

const NO_MEMBER = { ok: false, refusal: 'no-member' }

export const markRead = (store: Store, roomId: string, { actor }: Person, seq: number) =>
  store.rooms.markRead(roomId, actor, seq, store.clock.nowMs())

/** What the read markers and unread counts of a store promise. */
export const roomReadingContract = {
  'moves a read marker forward, never back, and at most to the head': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['a', 'b'])
    const mark = async (seq: number) => accepted(await markRead(store, roomId, member, seq))
    assert.deepEqual(await mark(4), { readSeq: 4, moved: true })
    assert.deepEqual(await mark(4), { readSeq: 4, moved: false })
    assert.deepEqual(await mark(2), { readSeq: 4, moved: false })
    assert.deepEqual(await mark(0), { readSeq: 4, moved: false })
    assert.deepEqual(await mark(Number.MAX_SAFE_INTEGER), { readSeq: 5, moved: true })
    assert.deepEqual(await mark(Number.MAX_SAFE_INTEGER), { readSeq: 5, moved: false })
    assert.equal((await gaplessLog(store, roomId)).length, 5)
    assert.equal((await store.rooms.access(roomId, member.user.id))?.readSeq, 5)
  },
  'keeps the highest of many markers set at once': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await sendAll(
      store,
      roomId,
      owner,
      Array.from({ length: 17 }, (_, i) => `${i}`),
    )
    const seqs = Array.from({ length: 20 }, (_, i) => ((i * 7) % 20) + 1)
    await Promise.all(seqs.map((seq) => markRead(store, roomId, member, seq)))
    assert.equal((await store.rooms.access(roomId, member.user.id))?.readSeq, 20)
  },
  'has no read marker for someone who is not a member': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    const stranger = await signUp(store, 'Stan')
    assert.deepEqual(await markRead(store, roomId, stranger, 1), NO_MEMBER)
    assert.deepEqual(await markRead(store, store.ids.next(), member, 1), NO_MEMBER)
    await leave(store, roomId, member)
    assert.deepEqual(await markRead(store, roomId, member, 1), NO_MEMBER)
  },
  'counts as unread what others sent above the marker, tombstones left out': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const unread = async (userId: string) =>
      (await store.rooms.standings([{ roomId, userId }])).map((standing) => standing.unread)
    const [, second] = await sendAll(store, roomId, owner, ['a', 'b', 'c'])
    await send(store, roomId, member, 'd')
    assert.deepEqual(await unread(owner.user.id), [1])
    assert.deepEqual(await unread(member.user.id), [3])
    assert.deepEqual(await unread(observer.user.id), [4])
    await remove(store, owner.actor, second ?? assert.fail())
    assert.deepEqual(await unread(member.user.id), [2])
    await markRead(store, roomId, member, 4)
    assert.deepEqual(await unread(member.user.id), [1])
    await markRead(store, roomId, member, 8)
    assert.deepEqual(await unread(member.user.id), [0])
  },
  'counts as unread what one who looks at each message counts, whatever was sent, removed, read and left':
    async (store) => {
      const { roomId, ...people } = await openRoomOfThree(store)
      const { owner, member, observer } = people
      const other = await openRoom(store, owner)
      await setRole(store, roomId, owner.actor, observer, 'member')
      const numbers = seededRandom(7)
      const random = () => numbers() / 2 ** 32
      const pick = <T>(values: readonly T[]): T =>
        values[Math.floor(random() * values.length)] ?? assert.fail()
      const everyone = [owner, member, observer]
      for (let round = 0; round < 40; round += 1) {
        const sent = Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(everyone))
        await Promise.all([
          ...sent.map((sender, i) => send(store, roomId, sender, `${round} ${i}`)),
          send(store, other.id, owner, `${round} elsewhere`),
        ])
        const { messages } = await store.messages.page(roomId, { before: null, after: null, limit: 200 })
        if (random() < 0.4)
          await remove(store, owner.actor, pick(messages.filter((m) => m.deletedAtMs === null)))
        const reader = pick(everyone)
        if (random() < 0.4) await markRead(store, roomId, reader, pick(messages).seq - (round % 2))
        if (round % 13 === 12) {
          await leave(store, roomId, member)
          await send(store, roomId, owner, `${round} while one was away`)
          await join(store, roomId, member)
        }
        await assertUnreadCounted(store, roomId, everyone)
      }
    },
  'tells how rooms stand: members with their role, former members without, strangers not': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const stranger = await signUp(store, 'Stan')
    const other = await openRoom(store, member)
    await sendAll(store, roomId, owner, ['a', 'b'])
    await leave(store, roomId, member)
    const users = [owner.user.id, member.user.id, stranger.user.id, store.ids.next()]
    const standings = await store.rooms.standings(
      [roomId, other.id, store.ids.next()].flatMap((id) => users.map((userId) => ({ roomId: id, userId }))),
    )
    const told = standings.map(({ roomId: id, userId, role }) => ({ room: id, userId, role }))
    const sorted = told.toSorted((a, b) => `${a.room}${a.userId}`.localeCompare(`${b.room}${b.userId}`))
    const expected = [
      { room: roomId, userId: owner.user.id, role: 'owner' },
      { room: roomId, userId: member.user.id, role: null },
      { room: other.id, userId: member.user.id, role: 'owner' },
    ]
    assert.deepEqual(
      sorted,
      expected.toSorted((a, b) => `${a.room}${a.userId}`.localeCompare(`${b.room}${b.userId}`)),
    )
    const own = standings.find(({ userId, roomId: id }) => userId === owner.user.id && id === roomId)
    assert.deepEqual(own, { roomId, userId: owner.user.id, role: 'owner', headSeq: 6, readSeq: 0, unread: 0 })
    assert.deepEqual(await store.rooms.standings([{ roomId, userId: owner.user.id }]), [own])
    assert.deepEqual(await store.rooms.standings([]), [])
  },
  'answers each of many who read at once as it would answer them alone': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['a', 'b', 'c'])
    await leave(store, roomId, member)
    const readers = [owner, member, observer, await signUp(store, 'Stan')]
    const snapshot = ({ user }: Person) => store.rooms.snapshot(roomId, user.id, 2)
    const events = (since: number) => store.log.read(roomId, since, 3)
    const rooms = ({ user }: Person) => store.rooms.roomIdsOf([user.id])
    const alone: unknown[] = []
    for (const reader of readers) alone.push(await snapshot(reader), await rooms(reader))
    for (const since of [0, 2, 2, 5]) alone.push(await events(since))
    const snapshots = readers.flatMap((reader) => [snapshot(reader), rooms(reader)])
    assert.deepEqual(await Promise.all([...snapshots, ...[0, 2, 2, 5].map(events)]), alone)
  },
  'answers nobody with what another began to read before': async (store) => {
    const { roomId, owner, observer } = await openRoomOfThree(store)
    const head = async () => (await store.rooms.snapshot(roomId, observer.user.id, 0))?.headSeq ?? 0
    for (let turn = 0; turn < 20; turn += 1) {
      const earlier = Array.from({ length: turn }, head)
      const { seq } = await send(store, roomId, owner, `${turn}`)
      assert.ok((await head()) >= seq, `a read asked for after event ${seq} does not show it`)
      const page = await store.log.read(roomId, seq - 1, 5)
      assert.deepEqual(
        page?.events.map((event) => event.seq),
        [seq],
      )
      await Promise.all(earlier)
    }
  },
} satisfies StoreContract

/** Looks at each message and compares. */
async function assertUnreadCounted(store: Store, roomId: string, people: readonly Person[]): Promise<void> {
  const { messages } = await store.messages.page(roomId, { before: null, after: null, limit: 200 })
  for (const { user } of people) {
    const readSeq = (await store.rooms.access(roomId, user.id))?.readSeq ?? 0
    const isUnread = ({ seq, senderId, deletedAtMs }: Message) =>
      seq > readSeq && senderId !== user.id && deletedAtMs === null
    const [standing] = await store.rooms.standings([{ roomId, userId: user.id }])
    const { rooms } = await store.rooms.listFor(user.id, null, 10)
    const listed = rooms.find(({ room }) => room.id === roomId)
    const counted = messages.filter(isUnread).length
    assert.deepEqual([standing?.unread, listed?.unread], [counted, counted])
  }
}
