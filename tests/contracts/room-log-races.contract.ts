import assert from 'node:assert/strict'
import { invite } from './creating.js'
import {
  accepted,
  codeOf,
  gaplessLog,
  leave,
  newDigest,
  newInvitation,
  newLogin,
  openRoom,
  openRoomOfThree,
  type StoreContract,
  send,
  signUp,
  tryJoin,
  trySend,
  unknownHeads,
} from './store.js'

const AT_ONCE = 50
const many = <T>(make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, index) => make(index)))

/** What a room log promises when many write at once. */
export const roomLogRacesContract = {
  'gives concurrent messages of one room consecutive seqs, each its own': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const sent = await many((i) => send(store, roomId, i % 2 === 0 ? owner : member, `text ${i}`))
    const log = (await gaplessLog(store, roomId)).slice(3)
    assert.equal(log.length, AT_ONCE)
    const stored = log.map((event) => (event.type === 'message.sent' ? event.data.message : assert.fail()))
    const bySeq = sent.toSorted((a, b) => a.seq - b.seq)
    assert.deepEqual(stored, bySeq)
  },
  'gives concurrent messages of two rooms a gapless log each': async (store) => {
    const one = await openRoomOfThree(store)
    const two = await openRoom(store, one.owner)
    await many((i) => send(store, i % 2 === 0 ? one.roomId : two.id, one.owner, `text ${i}`))
    assert.equal((await gaplessLog(store, one.roomId)).length, 3 + AT_ONCE / 2)
    assert.equal((await gaplessLog(store, two.id)).length, 1 + AT_ONCE / 2)
  },
  'stores one message for a client id that is sent many times at once': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await many(() => send(store, roomId, owner, 'once', { clientMessageId: 'same' }))
    assert.deepEqual([...new Set(sent.map(({ id, seq }) => `${id} ${seq}`))], [`${sent[0]?.id} 4`])
    assert.equal((await gaplessLog(store, roomId)).length, 4)
  },
  'keeps one text where different ones are sent at once under one client id': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const results = await many((i) => trySend(store, roomId, owner, `text ${i}`, { clientMessageId: 'same' }))
    const codes = results.map(codeOf).toSorted()
    assert.deepEqual(codes, [...Array.from({ length: AT_ONCE - 1 }, () => 'CONFLICT'), null].toSorted())
    assert.equal((await gaplessLog(store, roomId)).length, 4)
  },
  'leaves no hole where refused and accepted writes arrive together': async (store) => {
    const { roomId, owner, observer } = await openRoomOfThree(store)
    const results = await many((i) => trySend(store, roomId, i % 3 === 0 ? observer : owner, `text ${i}`))
    const acceptedCount = results.filter((result) => result.ok).length
    assert.equal(acceptedCount, AT_ONCE - Math.ceil(AT_ONCE / 3))
    assert.equal((await gaplessLog(store, roomId)).length, 3 + acceptedCount)
  },
  'lets nobody use an invitation up more often than it may be': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const invitation = newInvitation(store, roomId, owner, { maxUses: 3 })
    await invite(store, invitation, owner)
    const people = await many((i) => signUp(store, `Guest ${i}`))
    const results = await Promise.all(
      people.map((person) => tryJoin(store, roomId, person, 'member', invitation.code)),
    )
    assert.equal(results.filter((result) => result.ok).length, 3)
    assert.equal((await store.invitations.find(invitation.code))?.uses, 3)
    assert.equal((await store.rooms.members(roomId)).members.length, 3 + 3)
    assert.equal((await gaplessLog(store, roomId)).length, 3 + 3)
  },
  'answers what is committed and goes on where a listener throws, and tells the others': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const told: number[] = []
    store.log.onCommitted((commit) => {
      if (commit.roomId === roomId) throw new TypeError('a bug of a listener')
    })
    store.log.onCommitted((commit) => {
      if (commit.roomId === roomId) told.push(commit.heads.head)
    })
    for (const [index, text] of ['one', 'two', 'three'].entries())
      assert.equal((await send(store, roomId, owner, text)).seq, 4 + index)
    await store.accounts.updateProfile(owner.actor, { displayName: 'Olivia' }, store.clock.nowMs())
    assert.deepEqual(told, [4, 5, 6, 7])
  },
  'stores no message of a member after the removal is committed': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    const sends = many((i) => trySend(store, roomId, member, `text ${i}`))
    const leaving = leave(store, roomId, member)
    await Promise.all([sends, leaving])
    const log = await gaplessLog(store, roomId)
    const leftAt = log.findIndex((event) => event.type === 'member.left')
    assert.deepEqual(
      log.slice(leftAt + 1).filter((event) => event.actorId === member.user.id),
      [],
    )
    assert.equal(codeOf(await trySend(store, roomId, member, 'late')), 'NOT_FOUND')
    assert.equal((await sends).filter((result) => result.ok).length, leftAt - 3)
  },
  'commits no write of a login after its end is answered': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const other = await openRoom(store, member)
    const rooms = [roomId, other.id]
    const writes = Array.from({ length: AT_ONCE }, (_, i) =>
      trySend(store, rooms[i % 2] ?? roomId, member, `text ${i}`),
    )
    const ended = await store.logins.end(member.login.id, null, 'ended', store.clock.nowMs())
    const headsAtEnd = (await store.sweep.sweep(unknownHeads(...rooms), Number.MAX_SAFE_INTEGER)).heads
    assert.equal(ended?.loginId, member.login.id)
    const results = await Promise.all(writes)
    assert.equal(codeOf(await trySend(store, roomId, member, 'late')), 'UNAUTHENTICATED')
    assert.deepEqual(
      (await store.sweep.sweep(unknownHeads(...rooms), Number.MAX_SAFE_INTEGER)).heads,
      headsAtEnd,
    )
    const logs = [await gaplessLog(store, roomId), await gaplessLog(store, other.id)]
    const stored = logs.flat().filter((event) => event.type === 'message.sent').length
    assert.equal(stored, results.filter((result) => result.ok).length)
    assert.equal((await send(store, roomId, owner, 'others go on')).senderId, owner.user.id)
  },
  'commits no write of any login that a new password ended': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    const kept = newLogin(store, member.user.id)
    await store.logins.open({ login: kept, refreshDigest: newDigest() })
    const onKept = { ...member, actor: { ...member.actor, loginId: kept.id } }
    const writes = Array.from({ length: AT_ONCE }, (_, i) => trySend(store, roomId, member, `text ${i}`))
    await store.accounts.setPassword(onKept.actor, 'new hash', store.clock.nowMs())
    const headAtEnd = (await store.log.read(roomId, 0, 1))?.headSeq
    const results = await Promise.all(writes)
    assert.equal((await gaplessLog(store, roomId)).length, headAtEnd)
    assert.equal(results.filter((result) => result.ok).length, (headAtEnd ?? 0) - 3)
    assert.equal(codeOf(await trySend(store, roomId, member, 'late')), 'UNAUTHENTICATED')
    accepted(await trySend(store, roomId, onKept, 'from the kept login'))
  },
} satisfies StoreContract
