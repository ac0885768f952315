import assert from 'node:assert/strict'
import type { Actor } from '../../core/domain/account.js'
import { type Message, withFlag, withReaction } from '../../core/domain/message.js'
import type { RoomEvent } from '../../core/domain/room-event.js'
import {
  changeMessage,
  edit,
  gaplessLog,
  join,
  leave,
  openRoomOfThree,
  remove,
  type Store,
  type StoreContract,
  send,
  sendAll,
  setRole,
  updateRoom,
  wholeLog,
} from './store.js'

async function eventAt(store: Store, roomId: string, seq: number): Promise<RoomEvent> {
  const page = await store.log.read(roomId, seq - 1, 1)
  return page?.events[0] ?? assert.fail(`no event ${seq}`)
}

const react = (store: Store, actor: Actor, target: Message, emoji: string, on: boolean) =>
  changeMessage(store, actor, target, (present) => {
    const message = withReaction(present, actor.userId, emoji, on)
    return { type: 'message.reacted', message, userId: actor.userId, emoji, on }
  })

const flag = (store: Store, actor: Actor, target: Message, on: boolean, reason: string | null = null) =>
  changeMessage(store, actor, target, (present) => {
    const message = withFlag(present, actor.userId, on)
    return { type: 'message.flagged', message, userId: actor.userId, on, reason }
  })

const pages = {
  'reads the events after a seq, ascending, with the head and whether there are more': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['a', 'b', 'c'])
    const read = async (since: number, limit: number) => {
      const page = (await store.log.read(roomId, since, limit)) ?? assert.fail('no such room')
      return { ...page, events: page.events.map((event) => event.seq) }
    }
    assert.deepEqual(await read(0, 2), { events: [1, 2], headSeq: 6, hasMore: true })
    assert.deepEqual(await read(2, 3), { events: [3, 4, 5], headSeq: 6, hasMore: true })
    assert.deepEqual(await read(3, 3), { events: [4, 5, 6], headSeq: 6, hasMore: false })
    assert.deepEqual(await read(5, 500), { events: [6], headSeq: 6, hasMore: false })
    assert.deepEqual(await read(6, 500), { events: [], headSeq: 6, hasMore: false })
  },
  'reads nothing beyond the head, however far one asks': async (store) => {
    const { roomId } = await openRoomOfThree(store)
    for (const since of [3, 4, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(await store.log.read(roomId, since, 500), { events: [], headSeq: 3, hasMore: false })
    }
  },
  'answers null where there is no such room': async (store) => {
    assert.equal(await store.log.read(store.ids.next(), 0, 10), null)
  },
} satisfies StoreContract

const messages = {
  'fills every event of a message with its present state': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'first text')
    await edit(store, owner.actor, sent, 'second text')
    await edit(store, owner.actor, sent, 'third text')
    await react(store, member.actor, sent, '👍', true)
    const present = (await store.messages.find(sent.id)) ?? assert.fail('gone')
    assert.deepEqual([present.text, present.reactions], ['third text', { '👍': [member.user.id] }])
    for (const seq of [4, 5, 6]) {
      const event = await eventAt(store, roomId, seq)
      assert.deepEqual('message' in event.data && event.data.message, present)
    }
  },
  'stores an edit: new text, time and outcome; id, seq and time of sending stay': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'first')
    const atMs = sent.createdAtMs + 5_000
    const event = await edit(store, owner.actor, sent, 'second', atMs)
    const after = { ...sent, text: 'second', editedAtMs: atMs, mediation: { outcome: 'edited' } }
    assert.deepEqual(event, {
      seq: 5,
      type: 'message.edited',
      atMs,
      actorId: owner.user.id,
      data: { message: after },
    })
    assert.deepEqual(await store.messages.find(sent.id), after)
  },
  'never shows a deleted text again, in any event or version': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'regretted words')
    await edit(store, owner.actor, sent, 'regretted again')
    await react(store, owner.actor, sent, '👍', true)
    const atMs = sent.createdAtMs + 7_000
    await remove(store, owner.actor, sent, atMs)
    const log = await gaplessLog(store, roomId)
    assert.equal(JSON.stringify(log).includes('regretted'), false)
    const first = log[3]
    assert.equal(first?.type, 'message.sent')
    const tombstone = first?.type === 'message.sent' ? first.data.message : assert.fail()
    assert.deepEqual([tombstone.text, tombstone.deletedAtMs], ['', atMs])
    assert.deepEqual(tombstone, await store.messages.find(sent.id))
    assert.deepEqual(log.at(-1), {
      seq: 7,
      type: 'message.deleted',
      atMs,
      actorId: owner.user.id,
      data: { messageId: sent.id },
    })
    assert.deepEqual((await store.messages.versions(sent.id)).versions, [])
  },
  'keeps reactions in order of reacting, and leaves out an emoji without users': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'hello')
    await react(store, observer.actor, sent, '👍', true)
    await react(store, owner.actor, sent, '❤️', true)
    await react(store, member.actor, sent, '👍', true)
    const reactions = async () => (await store.messages.find(sent.id))?.reactions
    assert.deepEqual(await reactions(), {
      '👍': [observer.user.id, member.user.id],
      '❤️': [owner.user.id],
    })
    await react(store, owner.actor, sent, '❤️', false)
    await react(store, observer.actor, sent, '👍', false)
    assert.deepEqual(await reactions(), { '👍': [member.user.id] })
    const event = await eventAt(store, roomId, 5)
    assert.deepEqual(event.data, { messageId: sent.id, reactions: { '👍': [member.user.id] } })
    await react(store, observer.actor, sent, '👍', true)
    assert.deepEqual(await reactions(), { '👍': [member.user.id, observer.user.id] })
  },
  'keeps flags in order of flagging, and takes them back': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'hello')
    await flag(store, observer.actor, sent, true, 'a reason')
    await flag(store, member.actor, sent, true)
    const flaggedBy = async () => (await store.messages.find(sent.id))?.flaggedBy
    assert.deepEqual(await flaggedBy(), [observer.user.id, member.user.id])
    await flag(store, observer.actor, sent, false)
    assert.deepEqual(await flaggedBy(), [member.user.id])
    assert.deepEqual((await eventAt(store, roomId, 5)).data, {
      messageId: sent.id,
      flaggedBy: [member.user.id],
    })
  },
} satisfies StoreContract

const members = {
  'fills a join with the present member': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await send(store, roomId, owner, 'hello')
    await store.rooms.markRead(roomId, member.actor, 4, store.clock.nowMs())
    await setRole(store, roomId, owner.actor, member, 'moderator')
    await store.accounts.updateProfile(member.actor, { displayName: 'Maxine' }, store.clock.nowMs())
    const event = await eventAt(store, roomId, 2)
    const joined = event.type === 'member.joined' ? event.data.member : assert.fail(event.type)
    assert.deepEqual(joined, {
      userId: member.user.id,
      displayName: 'Maxine',
      role: 'moderator',
      joinedAtMs: event.atMs,
      readSeq: 4,
    })
  },
  'fills a join of a former member with the role of then and the name of now': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await setRole(store, roomId, owner.actor, member, 'moderator')
    await leave(store, roomId, member)
    await store.accounts.updateProfile(member.actor, { displayName: 'Maxine' }, store.clock.nowMs())
    const event = await eventAt(store, roomId, 2)
    const joined = event.type === 'member.joined' ? event.data.member : assert.fail(event.type)
    assert.deepEqual(
      [joined.userId, joined.displayName, joined.role, joined.joinedAtMs],
      [member.user.id, 'Maxine', 'member', event.atMs],
    )
    assert.deepEqual(await eventAt(store, roomId, 5), {
      seq: 5,
      type: 'member.left',
      atMs: (await eventAt(store, roomId, 5)).atMs,
      actorId: member.user.id,
      data: { userId: member.user.id },
    })
  },
  'keeps the role of then in a change of role, with the name of now': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await setRole(store, roomId, owner.actor, member, 'moderator')
    await setRole(store, roomId, owner.actor, member, 'observer')
    await store.accounts.updateProfile(member.actor, { displayName: 'Maxine' }, store.clock.nowMs())
    const userId = member.user.id
    const changes = (await wholeLog(store, roomId, 3)).map((event) => event.data)
    assert.deepEqual(changes, [
      { userId, role: 'moderator', displayName: 'Maxine' },
      { userId, role: 'observer', displayName: 'Maxine' },
      { userId, role: 'observer', displayName: 'Maxine' },
    ])
  },
  'tells a second join after leaving apart from the first': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    await leave(store, roomId, member)
    await join(store, roomId, member, 'observer')
    const { members: present, headSeq } = await store.rooms.members(roomId)
    assert.deepEqual(
      present.map(({ userId, role }) => [userId, role]),
      [
        [owner.user.id, 'owner'],
        [observer.user.id, 'observer'],
        [member.user.id, 'observer'],
      ],
    )
    assert.equal(headSeq, 5)
    assert.deepEqual(
      (await gaplessLog(store, roomId)).map((event) => event.type),
      ['member.joined', 'member.joined', 'member.joined', 'member.left', 'member.joined'],
    )
  },
  'fills a change of the room with the present room, at the seq of the event': async (store) => {
    const { room, roomId, owner } = await openRoomOfThree(store)
    await updateRoom(store, roomId, owner.actor, { name: 'Second', mediation: 'off', sendAnyway: false })
    await updateRoom(store, roomId, owner.actor, { name: 'Third', optOut: true })
    const present = { ...room, name: 'Third', mediation: 'off', sendAnyway: false, optOut: true }
    const changes = (await wholeLog(store, roomId, 3)).map((event) => event.data)
    assert.deepEqual(changes, [{ room: { ...present, headSeq: 4 } }, { room: { ...present, headSeq: 5 } }])
    assert.deepEqual((await store.rooms.access(roomId, owner.user.id))?.room, { ...present, headSeq: 5 })
  },
} satisfies StoreContract

/** What a room log promises about reading. */
export const roomLogReadingContract = { ...pages, ...messages, ...members } satisfies StoreContract
