import assert from 'node:assert/strict'
import type { CacheLifetimes, LifetimesPatch } from '../../core/domain/cache-lifetimes.js'
import type { Store, StoreContract } from './store.js'
import { tamper } from './tamper.js'

const NOTHING: Readonly<Record<keyof CacheLifetimes, null>> = {
  sessionMs: null,
  memberMs: null,
  messagesMs: null,
}

/** There is one set of settings a database: what an earlier test left is taken back. */
const change = (store: Store, lifetimes: LifetimesPatch) => store.storedSettings.change({ lifetimes })
const reset = (store: Store) => change(store, NOTHING)

/** What the settings of a store promise. */
export const settingsRepoContract = {
  'keeps what was set': async (store) => {
    await reset(store)
    const answer = await change(store, { sessionMs: 1_000, messagesMs: 86_400_000 })
    assert.deepEqual(answer.lifetimes, { sessionMs: 1_000, messagesMs: 86_400_000 })
    assert.deepEqual(await store.storedSettings.read(), answer)
  },
  'leaves what a change does not name': async (store) => {
    await reset(store)
    await change(store, { sessionMs: 2_000, memberMs: 3_000 })
    await change(store, { memberMs: 4_000 })
    await change(store, {})
    assert.deepEqual((await store.storedSettings.read()).lifetimes, { sessionMs: 2_000, memberMs: 4_000 })
  },
  'takes back what a change sets to null, and nothing else': async (store) => {
    await reset(store)
    await change(store, { sessionMs: 2_000, memberMs: 3_000 })
    const answer = await change(store, { sessionMs: null, messagesMs: null })
    assert.deepEqual(answer.lifetimes, { memberMs: 3_000 })
    assert.deepEqual(await store.storedSettings.read(), answer)
    await reset(store)
    assert.deepEqual((await store.storedSettings.read()).lifetimes, {})
  },
  'raises the version with each change, and by no reading': async (store) => {
    const { version } = await reset(store)
    assert.ok(version > 0)
    assert.equal((await store.storedSettings.read()).version, version)
    const first = await change(store, { memberMs: 3_000 })
    const second = await change(store, { memberMs: 3_000 })
    assert.ok(version < first.version && first.version < second.version)
    assert.equal((await store.storedSettings.read()).version, second.version)
  },
  'loses none of many changes made at once, and answers each with the settings after it': async (store) => {
    await reset(store)
    const patches: readonly LifetimesPatch[] = [
      { sessionMs: 2_000 },
      { memberMs: 3_000 },
      { messagesMs: 4_000 },
    ]
    const answers = await Promise.all(patches.map((patch) => change(store, patch)))
    const stored = await store.storedSettings.read()
    assert.deepEqual(stored.lifetimes, { sessionMs: 2_000, memberMs: 3_000, messagesMs: 4_000 })
    const inOrder = answers.toSorted((a, b) => a.version - b.version)
    assert.deepEqual(
      inOrder.map(({ version, lifetimes }) => [version, Object.keys(lifetimes).length]),
      [1, 2, 3].map((count) => [stored.version - 3 + count, count]),
    )
  },
  'hands out nothing by which the stored could be changed': async (store) => {
    await reset(store)
    const answer = await change(store, { memberMs: 3_000 })
    const kept = structuredClone(answer)
    tamper(answer)
    tamper(await store.storedSettings.read())
    assert.deepEqual(await store.storedSettings.read(), kept)
  },
} satisfies StoreContract
