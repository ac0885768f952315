import { setImmediate } from 'node:timers/promises'
import { hash } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { ArgonPasswords } from './argon-passwords.js'

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function timeOf(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}

describe('ArgonPasswords', () => {
  const passwords = new ArgonPasswords()

  it('stores argon2id with 19 MiB, two passes and a salt of its own for each password (input E6)', async () => {
    const [first, second] = await Promise.all([
      passwords.hash('correct horse'),
      passwords.hash('correct horse'),
    ])
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(first).not.toBe(second)
  })

  it.each([
    ['less memory', { memoryCost: 8_192, timeCost: 2 }],
    ['fewer passes', { memoryCost: 19_456, timeCost: 1 }],
    ['argon2i', { memoryCost: 19_456, timeCost: 2, algorithm: 1 }],
  ])('knows a password hashed with %s again, and calls the hash outdated (input E6)', async (_, options) => {
    const stored = await hash('correct horse', { parallelism: 1, ...options })
    expect(await passwords.verify('correct horse', stored)).toEqual({ matches: true, outdated: true })
    expect(await passwords.verify('wrong horse', stored)).toEqual({ matches: false, outdated: true })
  })

  it('does not call a hash outdated that is stronger than it asks for', async () => {
    const stored = await hash('correct horse', { memoryCost: 32_768, timeCost: 3, parallelism: 1 })
    expect(await passwords.verify('correct horse', stored)).toEqual({ matches: true, outdated: false })
  })

  it.each(['', 'plain', '$argon2id$', '$2b$10$abcdefghijklmnopqrstuv'])(
    'takes %j for the hash of no password',
    async (stored) => {
      expect(await passwords.verify(stored, stored)).toEqual({ matches: false, outdated: false })
    },
  )

  it('takes as long for nobody as for somebody', async () => {
    const stored = await passwords.hash('correct horse')
    const somebody: number[] = []
    const nobody: number[] = []
    for (let sample = 0; sample < 15; sample += 1) {
      somebody.push(await timeOf(() => passwords.verify('wrong horse', stored)))
      nobody.push(await timeOf(() => passwords.verify('wrong horse', null)))
    }
    expect(median(nobody) / median(somebody)).toBeGreaterThan(0.5)
    expect(median(nobody) / median(somebody)).toBeLessThan(2)
  })

  it('hashes off the main thread', async () => {
    let done = false
    const hashing = passwords.hash('correct horse').then(() => {
      done = true
    })
    await setImmediate()
    expect(done).toBe(false)
    await hashing
  })

  it('refuses at once what exceeds its queue, and answers the rest (input E7)', async () => {
    const small = new ArgonPasswords({ atOnce: 2, waiting: 6 })
    const stored = await small.hash('correct horse')
    const answered: boolean[] = []
    const refused: unknown[] = []
    const calls = Array.from({ length: 200 }, () =>
      small.verify('correct horse', stored).then(
        ({ matches }) => answered.push(matches),
        (error: unknown) => refused.push(error),
      ),
    )
    await setImmediate()
    expect(refused).toHaveLength(192)
    expect(refused.every((error) => error instanceof PortUnavailable && error.retryAfterMs > 0)).toBe(true)
    await Promise.all(calls)
    expect(answered).toEqual(Array(8).fill(true))
    expect((await small.verify('correct horse', stored)).matches).toBe(true)
  })
})
