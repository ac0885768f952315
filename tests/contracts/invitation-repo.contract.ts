import assert from 'node:assert/strict'
import {
  digestOf,
  newInvitation,
  openRoom,
  openRoomOfThree,
  type StoreContract,
  signUp,
  tryJoin,
} from './store.js'
import { tamper } from './tamper.js'

/** What the invitations of a store promise. */
export const invitationRepoContract = {
  'stores an invitation exactly, and finds it by its code': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const invitation = newInvitation(store, roomId, owner, { role: 'observer', maxUses: 7 })
    assert.deepEqual(await store.invitations.create(invitation, null), {
      outcome: 'created',
      value: invitation,
    })
    assert.deepEqual(await store.invitations.find(invitation.code), invitation)
    tamper(await store.invitations.find(invitation.code))
    assert.deepEqual(await store.invitations.find(invitation.code), invitation)
  },
  'finds nothing for a code that nobody made': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const { code } = newInvitation(store, roomId, owner)
    await store.invitations.create({ ...newInvitation(store, roomId, owner), code }, null)
    for (const unknown of ['', code.toUpperCase(), `${code} `, '%', "' or 1=1 --", '__proto__'])
      assert.equal(await store.invitations.find(unknown), null, unknown)
  },
  'appends nothing to the log when it is made or revoked': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const invitation = newInvitation(store, roomId, owner)
    await store.invitations.create(invitation, null)
    await store.invitations.revoke(roomId, invitation.code, store.clock.nowMs())
    assert.equal((await store.log.read(roomId, 0, 10))?.headSeq, 3)
  },
  'answers a repeated creation with the same invitation': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const create = () => store.invitations.create(newInvitation(store, roomId, owner), key)
    const creations = await Promise.all(Array.from({ length: 10 }, create))
    assert.equal(creations.filter(({ outcome }) => outcome === 'created').length, 1)
    const codes = creations.map((each) => (each.outcome === 'conflict' ? assert.fail() : each.value.code))
    assert.equal(new Set(codes).size, 1)
  },
  'refuses a client id that was used for another body': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const create = (body: string) =>
      store.invitations.create(newInvitation(store, roomId, owner), {
        clientId: 'a',
        bodyDigest: digestOf(body),
      })
    assert.equal((await create('one')).outcome, 'created')
    assert.deepEqual(await create('two'), { outcome: 'conflict' })
  },
  'keeps client ids of rooms and of invitations apart': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const { id: _, ...room } = await openRoom(store, owner)
    const { headSeq: __, ...fields } = room
    const opened = await store.rooms.create({ ...fields, id: store.ids.next() }, owner.user.id, key)
    assert.equal(opened.outcome, 'created')
    const invited = await store.invitations.create(newInvitation(store, roomId, owner), key)
    assert.equal(invited.outcome, 'created')
  },
  'revokes once, and only in the room it belongs to': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    const invitation = newInvitation(store, roomId, owner)
    await store.invitations.create(invitation, null)
    const atMs = invitation.createdAtMs + 1_000
    assert.equal(await store.invitations.revoke(other.id, invitation.code, atMs), false)
    assert.equal(await store.invitations.revoke(roomId, 'unknown', atMs), false)
    assert.equal(await store.invitations.revoke(roomId, invitation.code, atMs), true)
    assert.equal(await store.invitations.revoke(roomId, invitation.code, atMs + 1), false)
    assert.equal((await store.invitations.find(invitation.code))?.revokedAtMs, atMs)
  },
  'counts one use for each join by the code': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [invitation, other] = [1, 2].map(() => newInvitation(store, roomId, owner, { maxUses: 5 }))
    if (invitation === undefined || other === undefined) assert.fail()
    await store.invitations.create(invitation, null)
    await store.invitations.create(other, null)
    for (const name of ['Ann', 'Ben'])
      await tryJoin(store, roomId, await signUp(store, name), 'member', invitation.code)
    await tryJoin(store, roomId, owner, 'member', invitation.code)
    assert.deepEqual(await store.invitations.find(invitation.code), { ...invitation, uses: 2 })
    assert.deepEqual(await store.invitations.find(other.code), other)
  },
} satisfies StoreContract
