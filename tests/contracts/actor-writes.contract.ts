import assert from 'node:assert/strict'
import type { Actor } from '../../core/domain/account.js'
import { invite, moderating, nthOf } from './creating.js'
import {
  accepted,
  leave,
  newInvitation,
  newLogin,
  newRoom,
  openRoomOfThree,
  type Store,
  type StoreContract,
  sendAll,
  setRole,
  signUp,
} from './store.js'

const AT_ONCE = 50
const many = <T>(make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, index) => make(index)))

type RoomOfThree = Awaited<ReturnType<typeof openRoomOfThree>>

/** A write that a repository does for an actor: whether it was done, and what is stored after all of them. */
type ActorWrite = {
  readonly write: (actor: Actor, index: number, atMs: number) => Promise<boolean>
  readonly stored: () => Promise<unknown>
}
type MakeActorWrite = (store: Store, room: RoomOfThree) => Promise<ActorWrite>

const isDone = (result: { readonly ok: boolean; readonly refusal?: string }): boolean => {
  if (!result.ok) assert.equal(result.refusal, 'login-ended')
  return result.ok
}

const newInvitations = (store: Store, { roomId, owner }: RoomOfThree) =>
  Array.from({ length: AT_ONCE }, () => newInvitation(store, roomId, owner))

const invitationsStored = (store: Store, codes: readonly { readonly code: string }[]) => () =>
  Promise.all(codes.map(({ code }) => store.invitations.find(code)))

/** All writes for an actor that do not go through the room log; the owner of the room is who acts. */
const WRITES = {
  'opens a room': async (store, { owner }) => ({
    write: async (actor, _index, atMs) =>
      isDone(await store.rooms.create({ ...newRoom(store), createdAtMs: atMs }, actor, null)),
    stored: async () => (await store.rooms.listFor(owner.user.id, null, 1_000)).rooms.length,
  }),
  'moves a read marker': async (store, { roomId, owner, member }) => {
    await sendAll(store, roomId, member, ['a', 'b', 'c', 'd', 'e'])
    return {
      write: async (actor, index, atMs) =>
        isDone(await store.rooms.markRead(roomId, actor, Math.ceil(index / 6), atMs)),
      stored: async () => (await store.rooms.access(roomId, owner.user.id))?.readSeq,
    }
  },
  'makes an invitation': async (store, room) => {
    const invitations = newInvitations(store, room)
    return {
      write: async (actor, index, atMs) => {
        const by = { ...moderating(store, { actor }), atMs }
        return isDone(await store.invitations.create(nthOf(invitations, index), by, null))
      },
      stored: invitationsStored(store, invitations),
    }
  },
  'revokes an invitation': async (store, room) => {
    const invitations = newInvitations(store, room)
    for (const invitation of invitations) accepted(await invite(store, invitation, room.owner))
    return {
      write: async (actor, index, atMs) => {
        const by = { ...moderating(store, { actor }), atMs }
        return isDone(await store.invitations.revoke(room.roomId, nthOf(invitations, index).code, by))
      },
      stored: invitationsStored(store, invitations),
    }
  },
  'changes a profile': async (store, { owner }) => ({
    write: async (actor, index, atMs) =>
      (await store.accounts.updateProfile(actor, { displayName: `Olive ${index}` }, atMs)) !== null,
    stored: async () => (await store.accounts.find(owner.user.id))?.user,
  }),
  'sets a password': async (store, { owner }) => ({
    write: async (actor, index, atMs) =>
      (await store.accounts.setPassword(actor, `hash ${index}`, atMs)) !== null,
    stored: async () => (await store.accounts.find(owner.user.id))?.passwordHash,
  }),
} satisfies Record<string, MakeActorWrite>

type Name = keyof typeof WRITES
export const actorWrites = Object.keys(WRITES) as readonly Name[]

async function refusesWithoutALiveLogin(store: Store, make: MakeActorWrite): Promise<void> {
  const room = await openRoomOfThree(store)
  const { owner, member } = room
  const { write, stored } = await make(store, room)
  const before = await stored()
  const { id: userId } = owner.user
  const atMs = store.clock.nowMs()
  const is = async (loginId: string | null, at = atMs) => write({ userId, loginId }, 0, at)
  for (const loginId of [member.login.id, store.ids.next(), 'no id'])
    assert.equal(await is(loginId), false, loginId)
  assert.equal(await is(owner.login.id, owner.login.expiresAtMs), false)
  const other = newLogin(store, userId)
  await store.logins.open({ login: other, refreshDigest: store.ids.next() })
  await store.logins.end(other.id, null, 'ended', atMs)
  assert.equal(await is(other.id), false)
  assert.deepEqual(await stored(), before)
  assert.equal(await write(owner.actor, 1, owner.login.expiresAtMs - 1), true)
  assert.equal(await write({ userId, loginId: null }, 2, atMs), true)
  await store.accounts.setDisabled(userId, true, atMs)
  assert.equal(await write(owner.actor, 3, atMs), false)
}

async function writesNothingAfterTheEnd(store: Store, make: MakeActorWrite): Promise<void> {
  const room = await openRoomOfThree(store)
  const { actor, login } = room.owner
  const { write, stored } = await make(store, room)
  const atMs = store.clock.nowMs()
  const writes = many((index) => write(actor, index, atMs))
  await store.logins.end(login.id, null, 'ended', atMs)
  const atEnd = await stored()
  await writes
  assert.equal(await write(actor, AT_ONCE - 1, atMs), false)
  assert.deepEqual(await stored(), atEnd)
}

const each = <S extends string>(suffix: S, verify: (store: Store, make: MakeActorWrite) => Promise<void>) =>
  Object.fromEntries(
    actorWrites.map((name) => [`${name} ${suffix}`, (store: Store) => verify(store, WRITES[name])]),
  ) as Record<`${Name} ${S}`, (store: Store) => Promise<void>>

const NO_MEMBER = { ok: false, refusal: 'no-member' }

const membership = {
  'makes and revokes an invitation for nobody whose role does not allow it': async (store) => {
    const room = await openRoomOfThree(store)
    const { roomId, owner, member, observer } = room
    const stranger = await signUp(store, 'Stan')
    const [kept, fresh] = newInvitations(store, room)
    if (kept === undefined || fresh === undefined) assert.fail()
    accepted(await invite(store, kept, owner))
    for (const [person, refusal] of [
      [member, 'role'],
      [observer, 'role'],
      [stranger, 'no-member'],
    ] as const) {
      assert.deepEqual(await invite(store, fresh, person), { ok: false, refusal })
      const revoked = await store.invitations.revoke(roomId, kept.code, moderating(store, person))
      assert.deepEqual(revoked, { ok: false, refusal })
    }
    const elsewhere = { ...fresh, roomId: store.ids.next() }
    assert.deepEqual(await invite(store, elsewhere, owner), { ok: false, refusal: 'no-member' })
    assert.equal(await store.invitations.find(fresh.code), null)
    assert.deepEqual(await store.invitations.find(kept.code), kept)
  },
  'makes and revokes no invitation after a removal is answered': async (store) => {
    const room = await openRoomOfThree(store)
    const { roomId, owner, member } = room
    await setRole(store, roomId, owner.actor, member, 'moderator')
    const [made, revoked] = [newInvitations(store, room), newInvitations(store, room)]
    for (const invitation of revoked) accepted(await invite(store, invitation, owner))
    const stored = invitationsStored(store, [...made, ...revoked])
    const writes = many(async (index) => {
      await invite(store, nthOf(made, index), member)
      await store.invitations.revoke(roomId, nthOf(revoked, index).code, moderating(store, member))
    })
    await leave(store, roomId, member)
    const atEnd = await stored()
    await writes
    assert.deepEqual(await invite(store, newInvitation(store, roomId, member), member), NO_MEMBER)
    assert.deepEqual(await stored(), atEnd)
  },
} satisfies StoreContract

/** What a store promises of its writes for an actor: none without a live login and the role, judged when it is committed. */
export const actorWritesContract = {
  ...each('for nobody whose login is not live', refusesWithoutALiveLogin),
  ...each('for no login after its end is answered', writesNothingAfterTheEnd),
  ...membership,
} satisfies StoreContract
