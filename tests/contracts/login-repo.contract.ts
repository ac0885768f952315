import assert from 'node:assert/strict'
import type { RefreshDecision, RefreshFacts } from '../../core/ports/account-repo-port.js'
import {
  codeOf,
  DAY_MS,
  newDigest,
  newLogin,
  newUser,
  openRoom,
  type Store,
  type StoreContract,
  signUp,
  trySend,
} from './store.js'

/** Presents a token and has a successor issued for it, whatever the facts are. */
async function issue(store: Store, digest: string, atMs = store.clock.nowMs()) {
  const successorDigest = newDigest()
  const refreshed = await store.logins.refresh(digest, atMs, () => ({ kind: 'issue', successorDigest }))
  return { successorDigest, facts: refreshed?.facts ?? assert.fail('no such token'), refreshed }
}

/** The product's rule: a spent token is served again for a minute while its successor is unused; otherwise the family ends. */
function rotate(facts: RefreshFacts, atMs: number, successorDigest: string): RefreshDecision {
  if (facts.ended || facts.disabled || atMs >= facts.login.expiresAtMs) return { kind: 'refuse' }
  const isReplay = facts.spentAtMs !== null && (facts.successorSpent || atMs - facts.spentAtMs > 60_000)
  return isReplay ? { kind: 'end', reason: 'ended' } : { kind: 'issue', successorDigest }
}

const present = (store: Store, digest: string, atMs = store.clock.nowMs()) =>
  store.logins.refresh(digest, atMs, (facts) => rotate(facts, atMs, newDigest()))

const refreshing = {
  'answers null for a token that was never issued': async (store) => {
    const decide = () => assert.fail('decided')
    assert.equal(await store.logins.refresh(newDigest(), store.clock.nowMs(), decide), null)
  },
  'decides on the login, its user and the history of the token': async (store) => {
    const { user, login, refreshDigest } = await signUp(store, 'Ada')
    const { facts, refreshed, successorDigest } = await issue(store, refreshDigest)
    assert.deepEqual(facts, {
      login,
      user,
      ended: false,
      disabled: false,
      spentAtMs: null,
      successorSpent: false,
    })
    assert.deepEqual(refreshed?.decision, { kind: 'issue', successorDigest })
    assert.equal(refreshed?.ended, null)
  },
  'remembers when a token was first spent, and whether its successor was': async (store) => {
    const { refreshDigest } = await signUp(store, 'Ada')
    const atMs = store.clock.nowMs()
    const first = await issue(store, refreshDigest, atMs)
    const again = await issue(store, refreshDigest, atMs + 10_000)
    assert.deepEqual([again.facts.spentAtMs, again.facts.successorSpent], [atMs, false])
    const onward = await issue(store, first.successorDigest, atMs + 20_000)
    assert.deepEqual([onward.facts.spentAtMs, onward.facts.successorSpent], [null, false])
    const replay = await issue(store, refreshDigest, atMs + 30_000)
    assert.deepEqual([replay.facts.spentAtMs, replay.facts.successorSpent], [atMs, true])
  },
  'notices that a later successor of a repeated token was spent': async (store) => {
    const { refreshDigest } = await signUp(store, 'Ada')
    await issue(store, refreshDigest)
    const second = await issue(store, refreshDigest)
    await issue(store, second.successorDigest)
    assert.equal((await issue(store, refreshDigest)).facts.successorSpent, true)
  },
  'notes when the login was last seen, and moves neither its start nor its end': async (store) => {
    const { user, login, refreshDigest } = await signUp(store, 'Ada')
    const atMs = login.createdAtMs + 5_000
    await issue(store, refreshDigest, atMs)
    assert.deepEqual(await store.logins.list(user.id, atMs), [{ ...login, lastSeenAtMs: atMs }])
  },
  'changes nothing when it is refused': async (store) => {
    const { user, login, refreshDigest } = await signUp(store, 'Ada')
    const atMs = login.createdAtMs + 5_000
    const refused = await store.logins.refresh(refreshDigest, atMs, () => ({ kind: 'refuse' }))
    assert.deepEqual([refused?.decision, refused?.ended], [{ kind: 'refuse' }, null])
    assert.deepEqual(await store.logins.list(user.id, atMs), [login])
    assert.equal((await issue(store, refreshDigest)).facts.spentAtMs, null)
  },
  'ends the whole login when decided so': async (store) => {
    const person = await signUp(store, 'Ada')
    const room = await openRoom(store, person)
    const atMs = store.clock.nowMs()
    const { successorDigest } = await issue(store, person.refreshDigest, atMs)
    const ended = await store.logins.refresh(person.refreshDigest, atMs, () => ({
      kind: 'end',
      reason: 'ended',
    }))
    const expected = {
      loginId: person.login.id,
      userId: person.user.id,
      reason: 'ended',
      endedAtMs: atMs,
    }
    assert.deepEqual(ended?.ended, expected)
    assert.equal((await issue(store, successorDigest)).facts.ended, true)
    assert.deepEqual(await store.logins.list(person.user.id, atMs), [])
    assert.equal(codeOf(await trySend(store, room.id, person, 'late')), 'UNAUTHENTICATED')
  },
  'says that the account is disabled': async (store) => {
    const { user, refreshDigest } = await signUp(store, 'Ada')
    await store.accounts.setDisabled(user.id, true, store.clock.nowMs())
    const refused = await store.logins.refresh(refreshDigest, store.clock.nowMs(), () => ({ kind: 'refuse' }))
    assert.deepEqual([refused?.facts.disabled, refused?.facts.ended], [true, true])
  },
  'serves many who present one token at once one after the other': async (store) => {
    const { user, refreshDigest } = await signUp(store, 'Ada')
    const atMs = store.clock.nowMs()
    const spent: (number | null)[] = []
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(store, refreshDigest, atMs)))
    for (const answer of answers) spent.push(answer?.facts.spentAtMs ?? null)
    assert.equal(spent.filter((spentAtMs) => spentAtMs === null).length, 1)
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer?.decision))).size, 20)
    assert.equal((await store.logins.list(user.id, atMs)).length, 1)
  },
  'ends the family once where a stolen token is replayed many times at once (input B9)': async (store) => {
    const { user, refreshDigest } = await signUp(store, 'Ada')
    const atMs = store.clock.nowMs()
    const { successorDigest } = await issue(store, refreshDigest, atMs)
    await issue(store, successorDigest, atMs)
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(store, refreshDigest, atMs)))
    assert.equal(answers.filter((answer) => answer?.ended != null).length, 1)
    assert.equal(answers.filter((answer) => answer?.decision.kind === 'issue').length, 0)
    assert.deepEqual(await store.logins.list(user.id, atMs), [])
  },
  'leaves a token unspent when the decision throws': async (store) => {
    const { refreshDigest } = await signUp(store, 'Ada')
    const decide = () => {
      throw new TypeError('a bug')
    }
    await assert.rejects(store.logins.refresh(refreshDigest, store.clock.nowMs(), decide))
    assert.equal((await issue(store, refreshDigest)).facts.spentAtMs, null)
  },
} satisfies StoreContract

const ending = {
  'lists the logins that neither ended nor expired, newest first': async (store) => {
    const { user, login } = await signUp(store, 'Ada')
    const { createdAtMs } = login
    const later = newLogin(store, user.id, { createdAtMs: createdAtMs + 1_000, userAgent: 'phone' })
    const short = newLogin(store, user.id, { expiresAtMs: createdAtMs + 500 })
    for (const each of [later, short]) await store.logins.open({ login: each, refreshDigest: newDigest() })
    assert.deepEqual(await store.logins.list(user.id, createdAtMs + 500), [later, login])
    assert.equal((await store.logins.list(user.id, createdAtMs + 499)).length, 3)
    await store.logins.end(later.id, user.id, 'ended', createdAtMs)
    assert.deepEqual(await store.logins.list(user.id, createdAtMs + 500), [login])
    assert.deepEqual(await store.logins.list(store.ids.next(), createdAtMs), [])
  },
  'ends a login once, with its reason': async (store) => {
    const { user, login } = await signUp(store, 'Ada')
    const endedAtMs = store.clock.nowMs()
    const ended = await store.logins.end(login.id, null, 'signed-out', endedAtMs)
    assert.deepEqual(ended, { loginId: login.id, userId: user.id, reason: 'signed-out', endedAtMs })
    assert.equal(await store.logins.end(login.id, null, 'ended', endedAtMs + 1), null)
    assert.equal(await store.logins.end(store.ids.next(), null, 'ended', endedAtMs), null)
    const swept = await store.sweep.sweep(new Map(), endedAtMs - 1)
    assert.deepEqual(
      swept.ended.filter(({ loginId }) => loginId === login.id),
      [ended],
    )
  },
  'ends a login of the given user only': async (store) => {
    const ada = await signUp(store, 'Ada')
    const eve = await signUp(store, 'Eve')
    const atMs = store.clock.nowMs()
    assert.equal(await store.logins.end(ada.login.id, eve.user.id, 'ended', atMs), null)
    assert.equal((await store.logins.list(ada.user.id, atMs)).length, 1)
    assert.equal((await store.logins.end(ada.login.id, ada.user.id, 'ended', atMs))?.loginId, ada.login.id)
  },
  'lets one of many who end a login at once do it': async (store) => {
    const { login } = await signUp(store, 'Ada')
    const ended = await Promise.all(
      Array.from({ length: 10 }, () => store.logins.end(login.id, null, 'ended', store.clock.nowMs())),
    )
    assert.equal(ended.filter((each) => each !== null).length, 1)
  },
  'remembers the places that logins were opened from, of live and of ended ones, and no others': async (
    store,
  ) => {
    const [first, later, without] = [newDigest(), newDigest(), newDigest()]
    const user = newUser(store, 'Ada')
    const login = newLogin(store, user.id)
    await store.accounts.create(user, 'hash', { login, refreshDigest: newDigest(), placeDigest: first })
    const second = newLogin(store, user.id)
    await store.logins.open({ login: second, refreshDigest: newDigest(), placeDigest: later })
    await store.logins.open({ login: newLogin(store, user.id), refreshDigest: without })
    await store.logins.end(login.id, null, 'signed-out', store.clock.nowMs())
    const known = [first, later, without, newDigest()].map((place) => store.logins.wasOpenedFrom(place))
    assert.deepEqual(await Promise.all(known), [true, true, false, false])
  },
  'refuses the writes of a login that has expired (input B10)': async (store) => {
    const person = await signUp(store, 'Ada')
    const room = await openRoom(store, person)
    const expiring = newLogin(store, person.user.id, { expiresAtMs: store.clock.nowMs() + DAY_MS })
    await store.logins.open({ login: expiring, refreshDigest: newDigest() })
    const sender = { ...person, actor: { ...person.actor, loginId: expiring.id } }
    const sendAt = (atMs: number) => trySend(store, room.id, sender, 'text', { atMs })
    assert.equal((await sendAt(expiring.expiresAtMs - 1)).ok, true)
    assert.equal(codeOf(await sendAt(expiring.expiresAtMs)), 'UNAUTHENTICATED')
  },
} satisfies StoreContract

/** What the logins of a store promise. */
export const loginRepoContract = { ...refreshing, ...ending } satisfies StoreContract
