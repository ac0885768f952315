import assert from 'node:assert/strict'
import type { RoomEvent } from '../../core/domain/room-event.js'
import { outcomeOf, valueIn } from './creating.js'
import { markRead } from './room-reading.contract.js'
import {
  accepted,
  digestOf,
  edit,
  gaplessLog,
  join,
  leave,
  newRoom,
  openRoom,
  openRoomOfThree,
  remove,
  type Store,
  type StoreContract,
  send,
  sendAll,
  setRole,
  signUp,
  unknownHeads,
  updateRoom,
  wholeLog,
} from './store.js'
import { tamper } from './tamper.js'

const NO_MEMBER = { ok: false, refusal: 'no-member' }

const creation = {
  'stores a room with its owner as first member and first event': async (store) => {
    const owner = await signUp(store, 'Olive')
    const given = newRoom(store, { name: 'Ours', kind: 'direct', mediation: 'advise', optOut: true })
    const created = await store.rooms.create(given, owner.actor, null)
    const room = { ...given, headSeq: 1 }
    assert.deepEqual(accepted(created), { outcome: 'created', value: room })
    const member = {
      userId: owner.user.id,
      displayName: 'Olive',
      role: 'owner',
      joinedAtMs: given.createdAtMs,
      readSeq: 0,
    }
    const first: RoomEvent = {
      seq: 1,
      type: 'member.joined',
      atMs: given.createdAtMs,
      actorId: owner.user.id,
      data: { member: { ...member, role: 'owner' } },
    }
    assert.deepEqual(await gaplessLog(store, room.id), [first])
    assert.deepEqual(await store.rooms.access(room.id, owner.user.id), {
      room,
      heads: { head: 1, messages: 0, threads: 0, members: 1 },
      role: 'owner',
      readSeq: 0,
    })
  },
  'stores no room of an owner who does not exist': async (store) => {
    const [room, nobody] = [newRoom(store), store.ids.next()]
    await assert.rejects(store.rooms.create(room, { userId: nobody, loginId: null }, null))
    assert.equal(await store.rooms.access(room.id, nobody), null)
    assert.equal((await store.sweep.sweep(unknownHeads(room.id), 0)).heads.size, 0)
  },
  'answers a repeated creation with the same room, in its present state': async (store) => {
    const owner = await signUp(store, 'Olive')
    const key = { clientId: '__proto__', bodyDigest: digestOf('body') }
    const room = valueIn(await store.rooms.create(newRoom(store), owner.actor, key))
    await updateRoom(store, room.id, owner.actor, { name: 'Renamed' })
    const again = await store.rooms.create(newRoom(store), owner.actor, key)
    assert.deepEqual(accepted(again), { outcome: 'found', value: { ...room, name: 'Renamed', headSeq: 2 } })
    assert.equal((await store.rooms.listFor(owner.user.id, null, 10)).rooms.length, 1)
  },
  'answers a repeated creation to members only': async (store) => {
    const owner = await signUp(store, 'Olive')
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const create = () => store.rooms.create(newRoom(store), owner.actor, key)
    const room = valueIn(await create())
    await leave(store, room.id, owner)
    await updateRoom(store, room.id, owner.actor, { name: 'Of others now' })
    assert.deepEqual(await create(), NO_MEMBER)
    assert.deepEqual((await store.rooms.listFor(owner.user.id, null, 10)).rooms, [])
    await join(store, room.id, owner)
    assert.equal(outcomeOf(await create()), 'found')
  },
  'refuses a client id that was used for another body': async (store) => {
    const owner = await signUp(store, 'Olive')
    const create = (body: string) =>
      store.rooms.create(newRoom(store), owner.actor, { clientId: 'a', bodyDigest: digestOf(body) })
    assert.equal(outcomeOf(await create('one')), 'created')
    assert.equal(outcomeOf(await create('two')), 'conflict')
    assert.equal((await store.rooms.listFor(owner.user.id, null, 10)).rooms.length, 1)
  },
  'keeps client ids of different users apart': async (store) => {
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const people = [await signUp(store, 'Olive'), await signUp(store, 'Max')]
    for (const { actor } of people)
      assert.equal(outcomeOf(await store.rooms.create(newRoom(store), actor, key)), 'created')
  },
  'opens one room for a client id that arrives many times at once': async (store) => {
    const owner = await signUp(store, 'Olive')
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const creations = await Promise.all(
      Array.from({ length: 20 }, () => store.rooms.create(newRoom(store), owner.actor, key)),
    )
    assert.equal(creations.map(outcomeOf).filter((outcome) => outcome === 'created').length, 1)
    assert.equal(new Set(creations.map((each) => valueIn(each).id)).size, 1)
    assert.equal((await store.rooms.listFor(owner.user.id, null, 10)).rooms.length, 1)
  },
} satisfies StoreContract

const access = {
  'lets members in, and nobody else': async (store) => {
    const { room, roomId, observer, member } = await openRoomOfThree(store)
    const stranger = await signUp(store, 'Stan')
    const seen = await store.rooms.access(roomId, observer.user.id)
    assert.deepEqual([seen?.role, seen?.room], ['observer', { ...room, headSeq: 3 }])
    assert.equal(await store.rooms.access(roomId, stranger.user.id), null)
    assert.equal(await store.rooms.access(store.ids.next(), member.user.id), null)
    assert.equal(await store.rooms.snapshot(roomId, stranger.user.id, 50), null)
    assert.equal(await store.rooms.snapshot(store.ids.next(), member.user.id, 50), null)
    await leave(store, roomId, member)
    assert.equal(await store.rooms.access(roomId, member.user.id), null)
    assert.equal(await store.rooms.snapshot(roomId, member.user.id, 50), null)
    await join(store, roomId, member, 'moderator')
    assert.equal((await store.rooms.access(roomId, member.user.id))?.role, 'moderator')
  },
  'lists members in order of joining, with the seq at which they were read': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    await setRole(store, roomId, owner.actor, member, 'moderator')
    const { members, headSeq } = await store.rooms.members(roomId)
    assert.equal(headSeq, 4)
    assert.deepEqual(
      members.map(({ userId, displayName, role, readSeq }) => [userId, displayName, role, readSeq]),
      [
        [owner.user.id, 'Olive', 'owner', 0],
        [member.user.id, 'Max', 'moderator', 0],
        [observer.user.id, 'Obi', 'observer', 0],
      ],
    )
    assert.deepEqual(await store.rooms.members(store.ids.next()), { members: [], headSeq: 0 })
  },
  'shows a new display name in the member list': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    await store.accounts.updateProfile(member.actor, { displayName: 'Maxine' }, store.clock.nowMs())
    const { members, headSeq } = await store.rooms.members(roomId)
    assert.deepEqual([members[1]?.displayName, headSeq], ['Maxine', 4])
  },
  'does not change when an answer is changed': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await send(store, roomId, owner, 'kept')
    const read = async () => [
      await store.rooms.access(roomId, owner.user.id),
      await store.rooms.members(roomId),
      await store.rooms.snapshot(roomId, owner.user.id, 50),
      await store.rooms.listFor(owner.user.id, null, 10),
      await store.rooms.standings([{ roomId, userId: owner.user.id }]),
    ]
    const before = structuredClone(await read())
    tamper(await read())
    assert.deepEqual(await read(), before)
  },
} satisfies StoreContract

const listing = {
  'lists the rooms of a user, newest first, page by page': async (store) => {
    const owner = await signUp(store, 'Olive')
    const other = await signUp(store, 'Max')
    await openRoom(store, other)
    const opened: string[] = []
    for (const name of ['one', 'two', 'three']) opened.unshift((await openRoom(store, owner, { name })).id)
    const first = await store.rooms.listFor(owner.user.id, null, 2)
    assert.deepEqual(
      first.rooms.map(({ room }) => room.id),
      opened.slice(0, 2),
    )
    assert.equal(first.nextAfter, opened[1])
    const second = await store.rooms.listFor(owner.user.id, first.nextAfter, 2)
    assert.deepEqual(
      second.rooms.map(({ room }) => room.id),
      opened.slice(2),
    )
    assert.equal(second.nextAfter, null)
    const all = await store.rooms.listFor(owner.user.id, null, 3)
    assert.deepEqual([all.rooms.length, all.nextAfter], [3, null])
  },
  'lists a room with the role, read marker and unread count of the user': async (store) => {
    const { room, roomId, owner, member } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['a', 'b', 'c'])
    await markRead(store, roomId, member, 4)
    const { rooms } = await store.rooms.listFor(member.user.id, null, 10)
    assert.deepEqual(rooms, [{ room: { ...room, headSeq: 6 }, role: 'member', readSeq: 4, unread: 2 }])
    await leave(store, roomId, member)
    assert.deepEqual(await store.rooms.listFor(member.user.id, null, 10), { rooms: [], nextAfter: null })
  },
  'names the newest rooms of a user, newest first, as many as asked for': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const opened: string[] = []
    for (const opener of [owner, member, owner]) {
      const { id } = await openRoom(store, opener)
      opened.unshift(id)
      if (opener === member) await join(store, id, owner)
    }
    const ofOwner = [...opened, roomId]
    assert.deepEqual(await store.rooms.newestRoomIds(owner.user.id, 10), ofOwner)
    assert.deepEqual(await store.rooms.newestRoomIds(owner.user.id, 2), ofOwner.slice(0, 2))
    await leave(store, roomId, observer)
    assert.deepEqual(await store.rooms.newestRoomIds(observer.user.id, 10), [])
    assert.deepEqual(await store.rooms.newestRoomIds(store.ids.next(), 10), [])
  },
  'names the rooms of several users': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    await leave(store, roomId, observer)
    const users = [owner, member, observer].map((person) => person.user.id)
    const rooms = await store.rooms.roomIdsOf(users)
    const sorted = users.map((userId) => (rooms.get(userId) ?? []).toSorted())
    assert.deepEqual(sorted, [[roomId, other.id].toSorted(), [roomId], []])
    assert.equal((await store.rooms.roomIdsOf([])).size, 0)
  },
} satisfies StoreContract

async function snapshotOf(store: Store, roomId: string, userId: string, limit = 50) {
  return (await store.rooms.snapshot(roomId, userId, limit)) ?? assert.fail('no snapshot')
}

const snapshots = {
  'takes a snapshot of room, role, members and newest messages at one seq': async (store) => {
    const { room, roomId, owner, observer } = await openRoomOfThree(store)
    const sent = await sendAll(store, roomId, owner, ['a', 'b', 'c'])
    const snapshot = await snapshotOf(store, roomId, observer.user.id, 2)
    assert.deepEqual(snapshot, {
      room: { ...room, headSeq: 6 },
      headSeq: 6,
      role: 'observer',
      members: (await store.rooms.members(roomId)).members,
      messages: sent.slice(1),
    })
  },
  'takes a snapshot without messages': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['a'])
    const { headSeq, messages } = await snapshotOf(store, roomId, owner.user.id, 0)
    assert.deepEqual([headSeq, messages], [4, []])
  },
  'answers each of many reads at once with what it asked for': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const sent = await sendAll(store, roomId, owner, ['a', 'b'])
    const other = await signUp(store, 'Other')
    const otherRoomId = (await openRoom(store, other)).id
    const { rooms, log } = store
    const accesses = await Promise.all([
      rooms.access(otherRoomId, owner.user.id),
      rooms.access(roomId, member.user.id),
      rooms.access(otherRoomId, other.user.id),
      rooms.access(roomId, owner.user.id),
    ])
    assert.deepEqual(
      accesses.map((access) => access && [access.room.id, access.role]),
      [null, [roomId, 'member'], [otherRoomId, 'owner'], [roomId, 'owner']],
    )
    const snapshots = await Promise.all([
      snapshotOf(store, roomId, owner.user.id, 1),
      rooms.snapshot(roomId, other.user.id, 1),
      snapshotOf(store, otherRoomId, other.user.id, 1),
      snapshotOf(store, roomId, member.user.id, 5),
    ])
    assert.deepEqual(
      snapshots.map((snapshot) => snapshot && [snapshot.room.id, snapshot.messages]),
      [[roomId, sent.slice(1)], null, [otherRoomId, []], [roomId, sent]],
    )
    const ids = [other, owner, member].map(({ user }) => rooms.newestRoomIds(user.id, 5))
    assert.deepEqual(await Promise.all(ids), [[otherRoomId], [roomId], [roomId]])
    const pages = await Promise.all([
      log.read(roomId, 4, 1),
      log.read(store.ids.next(), 0, 10),
      log.read(otherRoomId, 0, 10),
      log.read(roomId, 3, 10),
    ])
    assert.deepEqual(
      pages.map((page) => page && [page.events.map(({ seq }) => seq), page.headSeq, page.hasMore]),
      [[[5], 5, false], null, [[1], 1, false], [[4, 5], 5, false]],
    )
  },
  'shows tombstones and edits in a snapshot': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [first, second] = await sendAll(store, roomId, owner, ['a', 'b'])
    await edit(store, owner.actor, first ?? assert.fail(), 'c')
    await remove(store, owner.actor, second ?? assert.fail())
    const { messages } = await snapshotOf(store, roomId, owner.user.id)
    assert.deepEqual(
      messages.map(({ text, deletedAtMs }) => [text, deletedAtMs === null]),
      [
        ['c', true],
        ['', false],
      ],
    )
  },
  'takes snapshots, between concurrent sends, that the events after them complete': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const taking: ReturnType<typeof snapshotOf>[] = []
    const sends = Array.from({ length: 30 }, (_, i) => {
      if (i % 3 === 0) taking.push(snapshotOf(store, roomId, member.user.id, 200))
      return send(store, roomId, i % 2 === 0 ? owner : member, `${i}`)
    })
    await Promise.all(sends)
    const last = await snapshotOf(store, roomId, member.user.id, 200)
    for (const snapshot of await Promise.all(taking)) {
      const events = await wholeLog(store, roomId, snapshot.headSeq)
      assert.deepEqual(
        events.map((event) => event.seq),
        Array.from({ length: last.headSeq - snapshot.headSeq }, (_, i) => snapshot.headSeq + 1 + i),
      )
      const added = events.flatMap((event) => (event.type === 'message.sent' ? [event.data.message] : []))
      assert.deepEqual([...snapshot.messages, ...added], last.messages)
    }
  },
} satisfies StoreContract

/** What the rooms of a store promise. */
export const roomRepoContract = {
  ...creation,
  ...access,
  ...listing,
  ...snapshots,
} satisfies StoreContract
