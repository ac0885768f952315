import assert from 'node:assert/strict'
import { forbidden, notFound } from '../../core/domain/refusal.js'
import { ok } from '../../core/domain/result.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import type { RoomFacts } from '../../core/ports/room-log-port.js'
import {
  accepted,
  change,
  codeOf,
  draftOf,
  edit,
  gaplessLog,
  headSeqOf,
  openRoom,
  openRoomOfThree,
  remove,
  type StoreContract,
  send,
  setRole,
  signUp,
  trySend,
  unknownHeads,
  updateRoom,
  wholeLog,
} from './store.js'
import { tamper } from './tamper.js'

const writing = {
  'gives the first message the seq after the room’s first event': async (store) => {
    const owner = await signUp(store, 'Olive')
    const room = await openRoom(store, owner)
    const message = await send(store, room.id, owner, 'hello')
    assert.equal(message.seq, 2)
    const log = await gaplessLog(store, room.id)
    assert.deepEqual(
      log.map(({ seq, type, actorId }) => ({ seq, type, actorId })),
      [
        { seq: 1, type: 'member.joined', actorId: owner.user.id },
        { seq: 2, type: 'message.sent', actorId: owner.user.id },
      ],
    )
  },
  'stores exactly what was sent': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const quoted = await send(store, roomId, owner, 'first')
    const text =
      "  o'clock; DROP TABLE messages;--  \n\t%_\\ \u{1f468}\u200d\u{1f469}\u200d\u{1f467} שלום é $1 {}  "
    const draft = { ...draftOf(store, roomId, owner.user.id, text), replyTo: quoted.id }
    const atMs = store.clock.nowMs()
    const message = await send(store, roomId, owner, text, { ...draft, atMs })
    assert.deepEqual(message, {
      id: draft.id,
      roomId,
      seq: 5,
      senderId: owner.user.id,
      clientMessageId: draft.clientMessageId,
      text,
      threadId: null,
      threadSeq: null,
      threadBy: null,
      replyTo: quoted.id,
      createdAtMs: atMs,
      editedAtMs: null,
      deletedAtMs: null,
      reactions: {},
      flaggedBy: [],
      mediation: { outcome: 'clear' },
    })
    assert.deepEqual(await store.messages.find(draft.id), message)
    const page = await store.log.read(roomId, 4, 10)
    assert.deepEqual(page?.events, [
      { seq: 5, type: 'message.sent', atMs, actorId: owner.user.id, data: { message } },
    ])
  },
  'has no mediation outcome on a message of a room without mediation': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const message = await send(store, roomId, owner, 'hi', { deliveredUnder: 'off' })
    assert.equal(message.mediation, null)
    assert.equal((await store.messages.find(message.id))?.mediation, null)
  },
  'answers a repeated client id with the same message and stores nothing': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const first = await send(store, roomId, owner, 'once', { clientMessageId: 'a-1' })
    const again = await send(store, roomId, owner, 'once', { clientMessageId: 'a-1' })
    assert.deepEqual(again, first)
    assert.equal((await gaplessLog(store, roomId)).length, 4)
  },
  'answers CONFLICT when a client id comes back with another text, and keeps the first': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const first = await send(store, roomId, owner, 'one', { clientMessageId: 'a-1' })
    assert.equal(codeOf(await trySend(store, roomId, owner, 'two', { clientMessageId: 'a-1' })), 'CONFLICT')
    assert.deepEqual(await store.messages.find(first.id), first)
    assert.equal(await headSeqOf(store, roomId), 4)
  },
  'judges a retry by the text first submitted, also after an edit and a deletion': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const first = await send(store, roomId, owner, 'one', { clientMessageId: 'a-1' })
    await edit(store, owner.actor, first, 'two')
    const edited = await send(store, roomId, owner, 'one', { clientMessageId: 'a-1' })
    assert.equal(edited.text, 'two')
    assert.equal(codeOf(await trySend(store, roomId, owner, 'two', { clientMessageId: 'a-1' })), 'CONFLICT')
    await remove(store, owner.actor, first)
    const deleted = await send(store, roomId, owner, 'one', { clientMessageId: 'a-1' })
    assert.deepEqual([deleted.id, deleted.text], [first.id, ''])
  },
  'keeps client ids of different senders and of different rooms apart': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    const clientMessageId = 'same'
    const ids = [
      (await send(store, roomId, owner, 'a', { clientMessageId })).id,
      (await send(store, roomId, member, 'b', { clientMessageId })).id,
      (await send(store, other.id, owner, 'c', { clientMessageId })).id,
    ]
    assert.equal(new Set(ids).size, 3)
  },
  'takes client ids that are names of object properties': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    for (const clientMessageId of ['__proto__', 'constructor', 'toString', '0', '-']) {
      const first = await send(store, roomId, owner, clientMessageId, { clientMessageId })
      assert.deepEqual(await send(store, roomId, owner, clientMessageId, { clientMessageId }), first)
    }
    assert.equal((await gaplessLog(store, roomId)).length, 3 + 5)
  },
  'answers NOT_FOUND where there is no such room, and does not decide': async (store) => {
    const owner = await signUp(store, 'Olive')
    const make = () => assert.fail('decided')
    assert.equal(codeOf(await change(store, store.ids.next(), owner.actor, { make })), 'NOT_FOUND')
  },
  'leaves no trace and no hole when a write is refused': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const before = await wholeLog(store, roomId)
    assert.equal(codeOf(await change(store, roomId, owner.actor, { make: () => forbidden() })), 'FORBIDDEN')
    assert.deepEqual(await wholeLog(store, roomId), before)
    assert.equal((await send(store, roomId, owner, 'next')).seq, 4)
    await gaplessLog(store, roomId)
  },
  'leaves no trace and no hole when a decision throws, and fails that write alone': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const make = () => {
      throw new TypeError('a bug')
    }
    const writes = await Promise.allSettled([
      send(store, roomId, owner, 'before'),
      change(store, roomId, owner.actor, { make }),
      send(store, roomId, member, 'after'),
    ])
    assert.deepEqual(
      writes.map((write) => write.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((await gaplessLog(store, roomId)).length, 5)
  },
  'writes nothing for a decision without changes': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const commits: RoomCommit[] = []
    store.log.onCommitted((commit) => commits.push(commit))
    assert.deepEqual(accepted(await change(store, roomId, owner.actor, { make: () => ok([]) })), [])
    assert.equal(await headSeqOf(store, roomId), 3)
    assert.deepEqual(commits, [])
  },
  'appends the changes of one decision together, in their order': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const commits: RoomCommit[] = []
    store.log.onCommitted((commit) => commits.push(commit))
    const [one, two] = ['one', 'two'].map((text) => draftOf(store, roomId, owner.user.id, text))
    if (one === undefined || two === undefined) assert.fail()
    const make = ({ room }: RoomFacts) =>
      ok([
        { type: 'message.sent', draft: one } as const,
        { type: 'room.updated', room: { ...room, name: 'New' } } as const,
        { type: 'message.sent', draft: two } as const,
      ])
    const events = accepted(await change(store, roomId, owner.actor, { make }))
    assert.deepEqual(
      events.map(({ seq, type }) => [seq, type]),
      [
        [4, 'message.sent'],
        [5, 'room.updated'],
        [6, 'message.sent'],
      ],
    )
    assert.deepEqual(await wholeLog(store, roomId, 3), events)
    assert.deepEqual(commits, [{ roomId, heads: { head: 6, messages: 6, threads: 0, members: 3 }, events }])
  },
  'keeps, beside the head, the seq of the last event of each kind': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const heads = async () => (await store.rooms.access(roomId, owner.user.id))?.heads
    assert.deepEqual(await heads(), { head: 3, messages: 0, threads: 0, members: 3 })
    const message = await send(store, roomId, owner, 'one')
    assert.deepEqual(await heads(), { head: 4, messages: 4, threads: 0, members: 3 })
    await updateRoom(store, roomId, owner.actor, { name: 'Other' })
    assert.deepEqual(await heads(), { head: 5, messages: 4, threads: 0, members: 3 })
    await setRole(store, roomId, owner.actor, member, 'moderator')
    assert.deepEqual(await heads(), { head: 6, messages: 4, threads: 0, members: 6 })
    await remove(store, owner.actor, message)
    assert.deepEqual(await heads(), { head: 7, messages: 7, threads: 0, members: 6 })
    assert.deepEqual(
      (await store.sweep.sweep(unknownHeads(roomId), Number.MAX_SAFE_INTEGER)).heads.get(roomId),
      {
        head: 7,
        messages: 7,
        threads: 0,
        members: 6,
      },
    )
  },
  'orders by commit, whatever the clocks of the writers say': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const nowMs = store.clock.nowMs()
    await send(store, roomId, owner, 'late clock', { atMs: nowMs + 60_000 })
    await send(store, roomId, member, 'early clock', { atMs: nowMs - 60_000 })
    const { messages } = await store.messages.page(roomId, { before: null, after: null, limit: 10 })
    assert.deepEqual(
      messages.map(({ text, seq }) => [text, seq]),
      [
        ['late clock', 4],
        ['early clock', 5],
      ],
    )
  },
  'does not change when an answer is changed': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const commits: RoomCommit[] = []
    const message = await send(store, roomId, owner, 'kept')
    const before = structuredClone(await wholeLog(store, roomId))
    store.log.onCommitted((commit) => commits.push(commit))
    tamper(message)
    tamper(await wholeLog(store, roomId))
    const make = (facts: RoomFacts) => {
      tamper(facts)
      return ok([])
    }
    await change(store, roomId, owner.actor, {
      needs: { messageId: message.id, memberId: owner.user.id },
      make,
    })
    tamper(await store.messages.find(message.id))
    assert.deepEqual(await wholeLog(store, roomId), before)
    const sent = structuredClone(await send(store, roomId, owner, 'told'))
    tamper(commits)
    assert.deepEqual(await store.messages.find(sent.id), sent)
  },
} satisfies StoreContract

const listeners = {
  'tells its listeners of each commit once, in order, before the write is answered': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const commits: RoomCommit[] = []
    const again: RoomCommit[] = []
    store.log.onCommitted((commit) => commits.push(commit))
    store.log.onCommitted((commit) => again.push(commit))
    for (const text of ['one', 'two', 'three']) {
      const message = await send(store, roomId, owner, text)
      const told = commits.flatMap((commit) => commit.events).at(-1)
      assert.deepEqual(told?.type === 'message.sent' && told.data.message, message)
    }
    assert.deepEqual(
      commits.flatMap((commit) => commit.events),
      await wholeLog(store, roomId, 3),
    )
    assert.deepEqual(again, commits)
  },
  'tells its listeners nothing of what was refused': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const commits: RoomCommit[] = []
    store.log.onCommitted((commit) => commits.push(commit))
    await change(store, roomId, owner.actor, { make: () => notFound() })
    await change(store, roomId, owner.actor, { make: () => assert.fail() }).catch(() => undefined)
    assert.deepEqual(commits, [])
  },
  'tells its listeners of a new room and of a new display name': async (store) => {
    const commits: RoomCommit[] = []
    store.log.onCommitted((commit) => commits.push(commit))
    const owner = await signUp(store, 'Olive')
    const room = await openRoom(store, owner)
    await store.accounts.updateProfile(owner.actor, { displayName: 'Olivia' }, store.clock.nowMs())
    const mine = commits.filter((commit) => commit.roomId === room.id)
    assert.deepEqual(
      mine.map(({ heads, events }) => [heads.head, events.map(({ seq, type }) => [seq, type])]),
      [
        [1, [[1, 'member.joined']]],
        [2, [[2, 'member.changed']]],
      ],
    )
  },
  'tells its listeners of concurrent commits of a room without a gap': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const seqs: number[] = []
    store.log.onCommitted((commit) => {
      if (commit.roomId === roomId) seqs.push(...commit.events.map((event) => event.seq))
    })
    const senders = [owner, member]
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => send(store, roomId, senders[i % 2] ?? owner, `${i}`)),
    )
    assert.deepEqual(
      seqs,
      Array.from({ length: 40 }, (_, i) => 4 + i),
    )
  },
} satisfies StoreContract

/** What a room log promises about writing. */
export const roomLogContract = { ...writing, ...listeners } satisfies StoreContract
