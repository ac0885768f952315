import assert from 'node:assert/strict'
import { ok } from '../../core/domain/result.js'
import type { RoomFacts } from '../../core/ports/room-log-port.js'
import { invite } from './creating.js'
import {
  accepted,
  change,
  digestOf,
  leave,
  newInvitation,
  openRoom,
  openRoomOfThree,
  type Store,
  type StoreContract,
  send,
  setRole,
  signUp,
} from './store.js'

/** The facts that a write of `actor` is given; writes nothing. */
async function factsOf(
  store: Store,
  roomId: string,
  actor: Parameters<typeof change>[2],
  needs: Parameters<typeof change>[3]['needs'] = {},
  atMs?: number,
): Promise<RoomFacts> {
  let seen: RoomFacts | null = null
  const make = (facts: RoomFacts) => {
    seen = facts
    return ok([])
  }
  accepted(await change(store, roomId, actor, { needs, make, ...(atMs === undefined ? {} : { atMs }) }))
  return seen ?? assert.fail('did not decide')
}

/** What a decision may rely on: facts read with the room locked. */
export const roomLogFactsContract = {
  'gives only the facts that were asked for': async (store) => {
    const { room, roomId, owner } = await openRoomOfThree(store)
    const given = await factsOf(store, roomId, owner.actor)
    const { joinedAtMs, ...actor } = given.actor ?? assert.fail('no actor')
    assert.equal(typeof joinedAtMs, 'number')
    assert.deepEqual(actor, { userId: owner.user.id, displayName: 'Olive', role: 'owner', readSeq: 0 })
    assert.deepEqual(
      { ...given, actor: null },
      {
        room: { ...room, headSeq: 3 },
        loginIsLive: true,
        actor: null,
        actorName: 'Olive',
        message: null,
        replyTo: null,
        earlier: null,
        member: null,
        invitation: null,
        census: null,
      },
    )
  },
  'names the actor who is not a member, and has no membership of theirs': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    const stranger = await signUp(store, 'Stan')
    const given = await factsOf(store, roomId, stranger.actor)
    assert.deepEqual([given.actor, given.actorName, given.loginIsLive], [null, 'Stan', true])
    await leave(store, roomId, member)
    assert.equal((await factsOf(store, roomId, member.actor)).actor, null)
  },
  'finds messages, members and invitations of this room only': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const elsewhere = await openRoom(store, owner)
    const message = await send(store, roomId, owner, 'here')
    const invitation = newInvitation(store, roomId, owner)
    await invite(store, invitation, owner)
    const needs = {
      messageId: message.id,
      replyTo: message.id,
      memberId: member.user.id,
      invitationCode: invitation.code,
    }
    const here = await factsOf(store, roomId, owner.actor, needs)
    assert.deepEqual([here.message, here.replyTo, here.invitation], [message, message, invitation])
    assert.deepEqual([here.member?.userId, here.member?.role], [member.user.id, 'member'])
    const there = await factsOf(store, elsewhere.id, owner.actor, needs)
    assert.deepEqual([there.message, there.replyTo, there.member, there.invitation], [null, null, null, null])
  },
  'finds nothing for ids that nothing has': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const needs = {
      messageId: store.ids.next(),
      replyTo: store.ids.next(),
      memberId: store.ids.next(),
      clientMessageId: 'unknown',
      invitationCode: 'unknown',
    }
    const given = await factsOf(store, roomId, owner.actor, needs)
    assert.deepEqual(
      [given.message, given.replyTo, given.member, given.earlier, given.invitation],
      [null, null, null, null, null],
    )
  },
  'finds the earlier message of the actor alone, with the digest first submitted': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const message = await send(store, roomId, owner, 'mine', { clientMessageId: 'c' })
    const own = await factsOf(store, roomId, owner.actor, { clientMessageId: 'c' })
    assert.deepEqual(own.earlier, { message, submittedDigest: digestOf('mine') })
    assert.equal((await factsOf(store, roomId, member.actor, { clientMessageId: 'c' })).earlier, null)
  },
  'counts owners, and those who are not observers': async (store) => {
    const { roomId, owner, member, observer } = await openRoomOfThree(store)
    const census = async () => (await factsOf(store, roomId, owner.actor, { census: true })).census
    assert.deepEqual(await census(), { owners: 1, participants: 2 })
    await setRole(store, roomId, owner.actor, observer, 'owner')
    assert.deepEqual(await census(), { owners: 2, participants: 3 })
    await leave(store, roomId, member)
    assert.deepEqual(await census(), { owners: 2, participants: 2 })
  },
  'says that a login lives until it ends or expires or the account is disabled': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const isLive = async (actor: Parameters<typeof change>[2], atMs?: number) =>
      (await factsOf(store, roomId, actor, {}, atMs)).loginIsLive
    const nowMs = store.clock.nowMs()
    assert.equal(await isLive(owner.actor), true)
    assert.equal(await isLive({ userId: owner.user.id, loginId: null }), true)
    assert.equal(await isLive({ userId: owner.user.id, loginId: store.ids.next() }), false)
    assert.equal(await isLive({ userId: owner.user.id, loginId: member.login.id }), false)
    assert.equal(await isLive(owner.actor, owner.login.expiresAtMs), false)
    await store.logins.end(owner.login.id, null, 'ended', nowMs)
    assert.equal(await isLive(owner.actor), false)
    await store.accounts.setDisabled(member.user.id, true, nowMs)
    assert.equal(await isLive(member.actor), false)
    await store.accounts.setDisabled(member.user.id, false, nowMs)
    assert.equal(await isLive(member.actor), false)
  },
} satisfies StoreContract
