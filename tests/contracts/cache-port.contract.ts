import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { CachePort } from '../../core/ports/cache-port.js'
import { tamper } from './tamper.js'

export type CacheFixture = {
  readonly cache: CachePort
  readonly passTimeMs: (ms: number) => Promise<void>
}

const LONG_MS = 60_000

/** What every cache does. */
export const cachePortContract = {
  'answers null for a key that was never put': async ({ cache }) => {
    assert.equal(await cache.get(randomUUID(), 0), null)
  },
  'answers what was put, with its version': async ({ cache }) => {
    const key = randomUUID()
    await cache.put(key, 7, { messages: [{ text: 'hello', at: 1.5, tags: [null, true] }] }, LONG_MS)
    assert.deepEqual(await cache.get(key, 0), {
      version: 7,
      value: { messages: [{ text: 'hello', at: 1.5, tags: [null, true] }] },
    })
  },
  'serves an entry of exactly the version asked for, and refuses an older one': async ({ cache }) => {
    const key = randomUUID()
    await cache.put(key, 7, 'seven', LONG_MS)
    assert.deepEqual(await cache.get(key, 7), { version: 7, value: 'seven' })
    assert.equal(await cache.get(key, 8), null)
  },
  'replaces an entry by one of a higher version': async ({ cache }) => {
    const key = randomUUID()
    await cache.put(key, 7, 'seven', LONG_MS)
    await cache.put(key, 8, 'eight', LONG_MS)
    assert.deepEqual(await cache.get(key, 8), { version: 8, value: 'eight' })
  },
  'does not let a slow reader bring an older version back (pitfall 1)': async ({ cache }) => {
    const key = randomUUID()
    await cache.put(key, 8, 'eight', LONG_MS)
    await cache.put(key, 7, 'seven', LONG_MS)
    assert.deepEqual(await cache.get(key, 0), { version: 8, value: 'eight' })
  },
  'keeps an entry until its lifetime is over, and not for longer, give or take a tenth': async ({
    cache,
    passTimeMs,
  }) => {
    const key = randomUUID()
    await cache.put(key, 1, 'value', 1_000)
    await passTimeMs(600)
    assert.notEqual(await cache.get(key, 0), null)
    await passTimeMs(600)
    assert.equal(await cache.get(key, 0), null)
  },
  'caches what is null, empty or false': async ({ cache }) => {
    for (const value of [null, '', 0, false, []]) {
      const key = randomUUID()
      await cache.put(key, 1, value, LONG_MS)
      assert.deepEqual(await cache.get(key, 0), { version: 1, value })
    }
  },
  'lets a put of what no JSON holds fail nobody': async ({ cache }) => {
    const circle: Record<string, unknown> = {}
    circle.itself = circle
    for (const value of [circle, { id: 10n }, undefined, () => undefined])
      await cache.put(randomUUID(), 1, value, LONG_MS)
    const key = randomUUID()
    await cache.put(key, 1, 'value', LONG_MS)
    assert.deepEqual(await cache.get(key, 1), { version: 1, value: 'value' })
  },
  'drops all keys that begin with the scope, and no others': async ({ cache }) => {
    const [room, other] = [randomUUID(), randomUUID()]
    const keys = [`${room}:page`, `${room}:threads`, `${other}:page`, `x${room}:page`]
    for (const key of keys) await cache.put(key, 1, key, LONG_MS)
    await cache.drop(`${room}:`)
    const left = await Promise.all(keys.map((key) => cache.get(key, 0)))
    assert.deepEqual(
      left.map((cached) => cached?.value ?? null),
      [null, null, `${other}:page`, `x${room}:page`],
    )
  },
  'drops a group of keys, a part of it, and nothing of another one': async ({ cache }) => {
    const [room, other] = [randomUUID(), randomUUID()]
    const keys = [
      `page:${room}:1`,
      `page:${room}:2:a`,
      `page:${room}:2:b`,
      `page:${room}x:1`,
      `page:${other}:1`,
    ]
    const left = async () =>
      (await Promise.all(keys.map((key) => cache.get(key, 0)))).map((cached) => cached !== null)
    for (const key of keys) await cache.put(key, 1, key, LONG_MS)
    await cache.drop(`page:${room}:2:`)
    assert.deepEqual(await left(), [true, false, false, true, true])
    await cache.put(`page:${room}:2:a`, 1, 'again', LONG_MS)
    await cache.drop(`page:${room}:`)
    assert.deepEqual(await left(), [false, false, false, true, true])
  },
  'takes the characters of a scope literally': async ({ cache }) => {
    const key = randomUUID()
    await cache.put(key, 1, 'kept', LONG_MS)
    for (const scope of ['*', '%', '?', '.', '[a-f0-9]', '_']) await cache.drop(scope)
    assert.notEqual(await cache.get(key, 0), null)
  },
  'keeps keys apart, whatever characters they are made of': async ({ cache }) => {
    const keys = ['__proto__', 'constructor', 'toString', '7', '07', 'é', 'e\u0301', '*']
    for (const key of keys) await cache.put(key, 1, `value of ${key}`, LONG_MS)
    for (const key of keys) assert.equal((await cache.get(key, 0))?.value, `value of ${key}`)
    assert.equal(({} as { value?: unknown }).value, undefined)
  },
  'does not change when what was put or read is changed afterwards': async ({ cache }) => {
    const key = randomUUID()
    const value = { list: [{ text: 'hello' }] }
    await cache.put(key, 1, value, LONG_MS)
    tamper(value)
    tamper(await cache.get(key, 0))
    assert.deepEqual(await cache.get(key, 0), { version: 1, value: { list: [{ text: 'hello' }] } })
  },
} satisfies Record<string, (fixture: CacheFixture) => Promise<void>>
