import assert from 'node:assert/strict'
import { newDigest, newLogin, type Person, type Store, type StoreContract, signUp } from './store.js'

/** In January 1970, so that the logins of no other test are old enough. */
const LONG_AGO_MS = 1_000_000_000

const isKnown = async (store: Store, digest: string) =>
  (await store.logins.refresh(digest, store.clock.nowMs(), () => ({ kind: 'refuse' }))) !== null

/** Opens a login with a chain of so many refresh tokens; their digests. */
async function open(store: Store, { user }: Person, expiresAtMs: number, tokens = 1) {
  const digests = Array.from({ length: tokens }, newDigest)
  const login = newLogin(store, user.id, { expiresAtMs })
  await store.logins.open({ login, refreshDigest: digests[0] ?? assert.fail('needs a token') })
  for (const [index, digest] of digests.slice(0, -1).entries()) {
    const successorDigest = digests[index + 1] ?? assert.fail()
    await store.logins.refresh(digest, store.clock.nowMs(), () => ({ kind: 'issue', successorDigest }))
  }
  return { login, digests }
}

/** Forgets until nothing is left; how many calls deleted something. */
async function forgetAll(store: Store, limit: number): Promise<number> {
  for (let calls = 0; calls < 100; calls += 1)
    if ((await store.logins.forget(LONG_AGO_MS, limit)) === 0) return calls
  return assert.fail('there is no end to it')
}

/** How long a store remembers logins that nobody can use any more. */
export const loginRetentionContract = {
  'forgets the logins that ended or expired before a time, with all their tokens, and no others': async (
    store,
  ) => {
    const person = await signUp(store, 'Ada')
    const later = person.login.expiresAtMs
    const expired = await open(store, person, LONG_AGO_MS - 1, 3)
    const ended = await open(store, person, later, 2)
    await store.logins.end(ended.login.id, null, 'signed-out', LONG_AGO_MS - 1)
    const endedThen = await open(store, person, later)
    await store.logins.end(endedThen.login.id, null, 'signed-out', LONG_AGO_MS)
    const endedAfterItExpired = await open(store, person, LONG_AGO_MS - 1)
    await store.logins.end(endedAfterItExpired.login.id, null, 'expired', LONG_AGO_MS + 1)
    const expiredThen = await open(store, person, LONG_AGO_MS)
    const live = await open(store, person, later, 3)
    await forgetAll(store, 100)
    for (const digest of [...expired.digests, ...ended.digests])
      assert.equal(await isKnown(store, digest), false)
    for (const { digests } of [endedThen, endedAfterItExpired, expiredThen, live])
      for (const digest of digests) assert.equal(await isKnown(store, digest), true)
    assert.equal(await store.logins.end(expired.login.id, null, 'ended', LONG_AGO_MS), null)
    assert.equal(await isKnown(store, person.refreshDigest), true)
  },
  'lets a forgotten login write no more than an ended one': async (store) => {
    const person = await signUp(store, 'Ada')
    const { login } = await open(store, person, LONG_AGO_MS - 1)
    await forgetAll(store, 100)
    const actor = { userId: person.user.id, loginId: login.id }
    assert.equal(await store.accounts.updateProfile(actor, {}, LONG_AGO_MS - 2), null)
  },
  'forgets a bounded number with each call, also of the tokens of one login': async (store) => {
    const person = await signUp(store, 'Ada')
    const one = await open(store, person, LONG_AGO_MS - 1, 7)
    const others = await Promise.all(Array.from({ length: 5 }, () => open(store, person, LONG_AGO_MS - 1)))
    const digests = [one, ...others].flatMap((opened) => opened.digests)
    assert.ok((await store.logins.forget(LONG_AGO_MS, 2)) <= 4)
    const known = await Promise.all(digests.map((digest) => isKnown(store, digest)))
    assert.ok(known.filter((isStillKnown) => isStillKnown).length >= digests.length - 2)
    await forgetAll(store, 2)
    for (const digest of digests) assert.equal(await isKnown(store, digest), false)
  },
  'forgets reset codes that expired before, a bounded number with each call': async (store) => {
    const people = await Promise.all(['Ada', 'Ben', 'Cleo', 'Dan'].map((name) => signUp(store, name)))
    const reset = async ({ user }: Person, atMs: number) =>
      (await store.accounts.resetPassword(user.email, user.id, 'hash', atMs)) !== null
    for (const [index, { user }] of people.entries())
      await store.accounts.putResetCode(user.id, user.id, index === 3 ? LONG_AGO_MS : LONG_AGO_MS - 1)
    assert.equal(await store.logins.forget(LONG_AGO_MS, 2), 2)
    assert.equal(await store.logins.forget(LONG_AGO_MS, 2), 1)
    const spent = await Promise.all(people.map((person) => reset(person, LONG_AGO_MS - 2)))
    assert.deepEqual(spent, [false, false, false, true])
  },
  'can be asked by many at once': async (store) => {
    const person = await signUp(store, 'Ada')
    const opened = await Promise.all(
      Array.from({ length: 20 }, () => open(store, person, LONG_AGO_MS - 1, 2)),
    )
    await Promise.all(Array.from({ length: 8 }, () => store.logins.forget(LONG_AGO_MS, 6)))
    await forgetAll(store, 6)
    for (const { digests } of opened)
      for (const digest of digests) assert.equal(await isKnown(store, digest), false)
    assert.equal(await isKnown(store, person.refreshDigest), true)
  },
} satisfies StoreContract
