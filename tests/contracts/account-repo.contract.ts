import assert from 'node:assert/strict'
import {
  codeOf,
  DAY_MS,
  gaplessLog,
  idsOf,
  leave,
  newDigest,
  newLogin,
  newUser,
  openRoom,
  openRoomOfThree,
  type Person,
  type Store,
  type StoreContract,
  send,
  signUp,
  trySend,
  wholeLog,
} from './store.js'
import { tamper } from './tamper.js'

/** A person with three logins. */
async function signUpThrice(store: Store) {
  const person = await signUp(store, 'Ada')
  const logins = [person.login, newLogin(store, person.user.id), newLogin(store, person.user.id)] as const
  for (const login of logins.slice(1)) await store.logins.open({ login, refreshDigest: newDigest() })
  const liveIds = async () =>
    (await store.logins.list(person.user.id, store.clock.nowMs())).map(({ id }) => id).toSorted()
  return { person, userId: person.user.id, logins, liveIds }
}

const accounts = {
  'stores a user, and finds them by id and by address in any case': async (store) => {
    const user = { ...newUser(store, 'Zoë 👩‍👧'), mediation: 'off' as const }
    const login = newLogin(store, user.id, { userAgent: 'Agent "1"' })
    assert.equal(await store.accounts.create(user, 'a hash', { login, refreshDigest: newDigest() }), true)
    const expected = { user, passwordHash: 'a hash', disabledAtMs: null }
    assert.deepEqual(await store.accounts.find(user.id), expected)
    assert.deepEqual(await store.accounts.findByEmail(user.email), expected)
    assert.deepEqual(await store.accounts.findByEmail(` ${user.email.toUpperCase()} `), expected)
    assert.deepEqual(await store.logins.list(user.id, store.clock.nowMs()), [login])
    tamper(await store.accounts.find(user.id))
    assert.deepEqual(await store.accounts.find(user.id), expected)
  },
  'finds nobody who did not sign up': async (store) => {
    assert.equal(await store.accounts.find(store.ids.next()), null)
    for (const email of [`${store.ids.next()}@example.org`, '', '%', '__proto__', "' or 1=1 --"])
      assert.equal(await store.accounts.findByEmail(email), null)
  },
  'refuses an address that is taken in another case, and stores nothing of the second': async (store) => {
    const first = await signUp(store, 'Ada')
    const second = { ...newUser(store, 'Eve'), email: first.user.email.toUpperCase() }
    const login = newLogin(store, second.id)
    assert.equal(await store.accounts.create(second, 'other', { login, refreshDigest: newDigest() }), false)
    assert.equal(await store.accounts.find(second.id), null)
    assert.deepEqual(await store.logins.list(second.id, store.clock.nowMs()), [])
    assert.equal((await store.accounts.findByEmail(first.user.email))?.user.id, first.user.id)
  },
  'gives an address to one of many who ask for it at once': async (store) => {
    const email = `${store.ids.next()}@example.org`
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const user = { ...newUser(store, `Ada ${i}`), email }
        const first = { login: newLogin(store, user.id), refreshDigest: newDigest() }
        return store.accounts.create(user, 'hash', first)
      }),
    )
    assert.equal(created.filter(Boolean).length, 1)
  },
  'replaces a hash only where the password is unchanged': async (store) => {
    const { user, login } = await signUp(store, 'Ada')
    await store.accounts.rehash(user.id, 'not the hash', 'stronger')
    assert.equal((await store.accounts.find(user.id))?.passwordHash, 'hash')
    await store.accounts.rehash(user.id, 'hash', 'stronger')
    assert.equal((await store.accounts.find(user.id))?.passwordHash, 'stronger')
    await store.accounts.rehash(store.ids.next(), 'hash', 'stronger')
    assert.deepEqual(await store.logins.list(user.id, store.clock.nowMs()), [login])
  },
} satisfies StoreContract

const rename = (store: Store, person: Person, displayName: string) =>
  store.accounts.updateProfile(person.actor, { displayName }, store.clock.nowMs())

const profiles = {
  'changes what is given, and nothing else': async (store) => {
    const { user, actor } = await signUp(store, 'Ada')
    const atMs = store.clock.nowMs()
    const off = await store.accounts.updateProfile(actor, { mediation: 'off' }, atMs)
    assert.deepEqual(off, { ...user, mediation: 'off' })
    const renamed = await store.accounts.updateProfile(actor, { displayName: 'Eve' }, atMs)
    assert.deepEqual(renamed, { ...user, displayName: 'Eve', mediation: 'off' })
    assert.deepEqual(await store.accounts.updateProfile(actor, {}, atMs), renamed)
    assert.deepEqual((await store.accounts.find(user.id))?.user, renamed)
    const nobody = { userId: store.ids.next(), loginId: null }
    assert.equal(await store.accounts.updateProfile(nobody, { displayName: 'No' }, atMs), null)
  },
  'appends a new display name to the log of each room of the user': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const other = await openRoom(store, member)
    const left = await openRoom(store, member)
    await leave(store, left.id, member)
    const atMs = store.clock.nowMs()
    await store.accounts.updateProfile(member.actor, { displayName: 'Maxine' }, atMs)
    const changed = (role: string) => ({
      type: 'member.changed',
      atMs,
      actorId: member.user.id,
      data: { userId: member.user.id, role, displayName: 'Maxine' },
    })
    assert.deepEqual(await wholeLog(store, roomId, 3), [{ seq: 4, ...changed('member') }])
    assert.deepEqual(await wholeLog(store, other.id, 1), [{ seq: 2, ...changed('owner') }])
    assert.deepEqual(await wholeLog(store, left.id, 2), [])
    const heads = (await store.rooms.access(roomId, owner.user.id))?.heads
    assert.deepEqual(heads, { head: 4, messages: 0, threads: 0, members: 4 })
  },
  'appends nothing when the display name stays, or only mediation changes': async (store) => {
    const { roomId, member } = await openRoomOfThree(store)
    await rename(store, member, member.user.displayName)
    await store.accounts.updateProfile(member.actor, { mediation: 'off' }, store.clock.nowMs())
    assert.deepEqual(await wholeLog(store, roomId, 3), [])
  },
  'leaves no hole where new names and messages arrive together': async (store) => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const second = await openRoom(store, member)
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        if (i % 2 === 0) return void (await rename(store, member, `Max ${i}`))
        await send(store, roomId, owner, `${i}`)
        await send(store, second.id, member, `${i}`)
      }),
    )
    assert.equal((await gaplessLog(store, roomId)).length, 3 + 20)
    assert.equal((await gaplessLog(store, second.id)).length, 1 + 20)
  },
} satisfies StoreContract

const passwords = {
  'sets a new password and ends all logins but the one that asks': async (store) => {
    const { userId, logins, liveIds } = await signUpThrice(store)
    const other = await signUp(store, 'Eve')
    const atMs = store.clock.nowMs()
    const set = (loginId: string | null, hash: string) =>
      store.accounts.setPassword({ userId, loginId }, hash, atMs)
    const ended = (await set(logins[1].id, 'new')) ?? assert.fail('not live')
    assert.deepEqual(idsOf(ended), [logins[0].id, logins[2].id].toSorted())
    for (const { userId: of, reason, endedAtMs } of ended)
      assert.deepEqual([of, reason, endedAtMs], [userId, 'password-changed', atMs])
    assert.deepEqual(await liveIds(), [logins[1].id])
    assert.equal((await store.accounts.find(userId))?.passwordHash, 'new')
    assert.equal((await store.logins.list(other.user.id, atMs)).length, 1)
    assert.deepEqual(idsOf((await set(null, 'newer')) ?? []), [logins[1].id])
    assert.deepEqual(await liveIds(), [])
  },
  'disables an account and ends its logins; enabling brings none back': async (store) => {
    const { person, userId, logins, liveIds } = await signUpThrice(store)
    const room = await openRoom(store, person)
    const atMs = store.clock.nowMs()
    const ended = await store.accounts.setDisabled(userId, true, atMs)
    assert.deepEqual(idsOf(ended ?? []), logins.map(({ id }) => id).toSorted())
    assert.equal(
      ended?.every(({ reason }) => reason === 'disabled'),
      true,
    )
    assert.deepEqual([(await store.accounts.find(userId))?.disabledAtMs, await liveIds()], [atMs, []])
    assert.deepEqual(await store.accounts.setDisabled(userId, true, atMs + 1), [])
    assert.deepEqual(await store.accounts.setDisabled(userId, false, atMs + 2), [])
    assert.equal((await store.accounts.find(userId))?.disabledAtMs, null)
    assert.deepEqual(await liveIds(), [])
    assert.equal(codeOf(await trySend(store, room.id, person, 'late')), 'UNAUTHENTICATED')
    assert.equal(await store.accounts.setDisabled(store.ids.next(), true, atMs), null)
  },
  'spends a reset code once: it sets the password and ends all logins': async (store) => {
    const { person, userId, liveIds } = await signUpThrice(store)
    const code = newDigest()
    const atMs = store.clock.nowMs()
    const { email } = person.user
    assert.equal(await store.accounts.putResetCode(userId, code, atMs + 1_000), true)
    const ended = await store.accounts.resetPassword(email.toUpperCase(), code, 'new', atMs)
    assert.deepEqual([ended?.length, await liveIds()], [3, []])
    assert.equal(ended?.[0]?.reason, 'password-changed')
    assert.equal((await store.accounts.find(userId))?.passwordHash, 'new')
    assert.equal(await store.accounts.resetPassword(email, code, 'newer', atMs), null)
    assert.equal((await store.accounts.find(userId))?.passwordHash, 'new')
  },
  'lets one of many who present a reset code at once spend it': async (store) => {
    const { person, userId } = await signUpThrice(store)
    const [code, atMs] = [newDigest(), store.clock.nowMs()]
    await store.accounts.putResetCode(userId, code, atMs + 1_000)
    const spent = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        store.accounts.resetPassword(person.user.email, code, `hash ${i}`, atMs),
      ),
    )
    const winner = spent.findIndex((ended) => ended !== null)
    assert.equal(spent.filter((ended) => ended !== null).length, 1)
    assert.equal((await store.accounts.find(userId))?.passwordHash, `hash ${winner}`)
  },
  'refuses a reset code that is wrong, replaced, expired or of another address': async (store) => {
    const { person, userId, liveIds } = await signUpThrice(store)
    const other = await signUp(store, 'Eve')
    const [first, second, atMs] = [newDigest(), newDigest(), store.clock.nowMs()]
    await store.accounts.putResetCode(userId, first, atMs + DAY_MS)
    await store.accounts.putResetCode(userId, second, atMs + 1_000)
    const reset = (email: string, code: string, nowMs = atMs) =>
      store.accounts.resetPassword(email, code, 'stolen', nowMs)
    assert.equal(await reset(person.user.email, newDigest()), null)
    assert.equal(await reset(person.user.email, first), null)
    assert.equal(await reset(other.user.email, second), null)
    assert.equal(await reset('nobody@example.org', second), null)
    assert.equal(await reset(person.user.email, second, atMs + 1_000), null)
    assert.equal((await store.accounts.find(userId))?.passwordHash, 'hash')
    assert.equal((await liveIds()).length, 3)
    assert.equal(await store.accounts.putResetCode(store.ids.next(), first, atMs + DAY_MS), false)
  },
} satisfies StoreContract

/** What the accounts of a store promise. */
export const accountRepoContract = { ...accounts, ...profiles, ...passwords } satisfies StoreContract
