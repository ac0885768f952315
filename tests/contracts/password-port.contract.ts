import assert from 'node:assert/strict'
import type { PasswordPort } from '../../core/ports/password-port.js'

export type PasswordFixture = { readonly passwords: PasswordPort }

const MATCHES = { matches: true, outdated: false }
const DIFFERS = { matches: false, outdated: false }

/** What every hashing of passwords does. */
export const passwordPortContract = {
  'knows a password again': async ({ passwords }) => {
    const hash = await passwords.hash('correct horse battery staple')
    assert.deepEqual(await passwords.verify('correct horse battery staple', hash), MATCHES)
  },
  'refuses another password, however little it differs': async ({ passwords }) => {
    const hash = await passwords.hash('correct horse')
    for (const other of ['Correct horse', 'correct horse ', ' correct horse', 'correct hors', ''])
      assert.deepEqual(await passwords.verify(other, hash), DIFFERS, JSON.stringify(other))
  },
  'refuses every password where there is no hash': async ({ passwords }) => {
    for (const password of ['', 'correct horse'])
      assert.deepEqual(await passwords.verify(password, null), DIFFERS)
  },
  'looks at a long password to its end': async ({ passwords }) => {
    const long = 'x'.repeat(999)
    const hash = await passwords.hash(`${long}a`)
    assert.deepEqual(await passwords.verify(`${long}a`, hash), MATCHES)
    assert.deepEqual(await passwords.verify(`${long}b`, hash), DIFFERS)
  },
  'tells passwords in every script apart': async ({ passwords }) => {
    const hash = await passwords.hash('пароль密碼🔑🔑')
    assert.deepEqual(await passwords.verify('пароль密碼🔑🔑', hash), MATCHES)
    assert.deepEqual(await passwords.verify('пароль密碼🔑🔒', hash), DIFFERS)
  },
  'answers each of several who ask at once with their own': async ({ passwords }) => {
    const people = Array.from({ length: 8 }, (_, index) => `password of person ${index}`)
    const hashes = await Promise.all(people.map((password) => passwords.hash(password)))
    const answers = await Promise.all(
      hashes.map((hash, index) => passwords.verify(people[index % 2 === 0 ? index : 0] ?? '', hash)),
    )
    assert.deepEqual(
      answers.map(({ matches }) => matches),
      people.map((_, index) => index % 2 === 0),
    )
  },
} satisfies Record<string, (fixture: PasswordFixture) => Promise<void>>
