import assert from 'node:assert/strict'
import { invite, moderating, outcomeOf, valueIn } from './creating.js'
import {
  accepted,
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
    const created = accepted(await invite(store, invitation, owner))
    assert.deepEqual(created, { outcome: 'created', value: invitation })
    assert.deepEqual(await store.invitations.find(invitation.code), invitation)
    tamper(await store.invitations.find(invitation.code))
    assert.deepEqual(await store.invitations.find(invitation.code), invitation)
  },
  'finds nothing for a code that nobody made': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const { code } = newInvitation(store, roomId, owner)
    await invite(store, { ...newInvitation(store, roomId, owner), code }, owner)
    for (const unknown of ['', code.toUpperCase(), `${code} `, '%', "' or 1=1 --", '__proto__'])
      assert.equal(await store.invitations.find(unknown), null, unknown)
  },
  'appends nothing to the log when it is made or revoked': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const invitation = newInvitation(store, roomId, owner)
    await invite(store, invitation, owner)
    await store.invitations.revoke(roomId, invitation.code, moderating(store, owner))
    assert.equal((await store.log.read(roomId, 0, 10))?.headSeq, 3)
  },
  'answers a repeated creation with the same invitation': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const create = () => invite(store, newInvitation(store, roomId, owner), owner, key)
    const creations = await Promise.all(Array.from({ length: 10 }, create))
    assert.equal(creations.map(outcomeOf).filter((outcome) => outcome === 'created').length, 1)
    const codes = creations.map((each) => valueIn(each).code)
    assert.equal(new Set(codes).size, 1)
  },
  'refuses a client id that was used for another body': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const create = (body: string) =>
      invite(store, newInvitation(store, roomId, owner), owner, {
        clientId: 'a',
        bodyDigest: digestOf(body),
      })
    assert.equal(outcomeOf(await create('one')), 'created')
    assert.equal(outcomeOf(await create('two')), 'conflict')
  },
  'keeps client ids of rooms and of invitations apart': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const key = { clientId: 'a', bodyDigest: digestOf('body') }
    const { id: _, ...room } = await openRoom(store, owner)
    const { headSeq: __, ...fields } = room
    const opened = await store.rooms.create({ ...fields, id: store.ids.next() }, owner.actor, key)
    assert.equal(outcomeOf(opened), 'created')
    const invited = await invite(store, newInvitation(store, roomId, owner), owner, key)
    assert.equal(outcomeOf(invited), 'created')
  },
  'revokes once, and only in the room it belongs to': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    const invitation = newInvitation(store, roomId, owner)
    await invite(store, invitation, owner)
    const atMs = invitation.createdAtMs + 1_000
    const revoke = async (of: string, code: string, atMs: number) =>
      accepted(await store.invitations.revoke(of, code, { ...moderating(store, owner), atMs }))
    assert.equal(await revoke(other.id, invitation.code, atMs), false)
    assert.equal(await revoke(roomId, 'unknown', atMs), false)
    assert.equal(await revoke(roomId, invitation.code, atMs), true)
    assert.equal(await revoke(roomId, invitation.code, atMs + 1), false)
    assert.equal((await store.invitations.find(invitation.code))?.revokedAtMs, atMs)
  },
  'counts one use for each join by the code': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [invitation, other] = [1, 2].map(() => newInvitation(store, roomId, owner, { maxUses: 5 }))
    if (invitation === undefined || other === undefined) assert.fail()
    await invite(store, invitation, owner)
    await invite(store, other, owner)
    for (const name of ['Ann', 'Ben'])
      await tryJoin(store, roomId, await signUp(store, name), 'member', invitation.code)
    await tryJoin(store, roomId, owner, 'member', invitation.code)
    assert.deepEqual(await store.invitations.find(invitation.code), { ...invitation, uses: 2 })
    assert.deepEqual(await store.invitations.find(other.code), other)
  },
} satisfies StoreContract
