import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hash } from '@node-rs/argon2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameToken } from '../../../apps/server/http/bearer.js'
import { COMMON_PASSWORDS } from '../../../core/domain/common-passwords.js'
import { type Instances, startInstances } from '../../support/instances.js'
import { call, expectOk, PASSWORD, Person } from '../../support/person.js'
import { median, percentile, timed } from './measures.js'
import { type RawAnswer, type RawRequest, send } from './raw-http.js'
import { clientId, expectAlive } from './room-under-watch.js'

/** Of each kind; for a finer look than a busy machine allows, 1,000. */
const SAMPLES = Number(process.env.TIMING_SAMPLES ?? 100)

let target: Instances
let url: string

beforeAll(async () => {
  target = await startInstances(1)
  url = target.urls[0] ?? ''
})
afterAll(async () => {
  await expectAlive(target)
  await target?.stop()
})

const post = (path: string, body: unknown, more: RawRequest = {}): Promise<RawAnswer> =>
  send(url, 'POST', `/api/v1/auth/${path}`, { ...more, body })
const signIn = (email: string, password: string) => post('sign-in', { email, password })
const signUp = (email: string, password: string) => post('sign-up', { email, password, displayName: 'Pat' })

let addresses = 0
function newAddress(): string {
  addresses += 1
  return `person${addresses}.${process.pid}@example.org`
}

/** All that a caller sees but the time. */
const seen = ({ status, headers: { date: _, ...headers }, text }: RawAnswer) => ({ status, headers, text })

describe('signing in', () => {
  it(
    'input E1: with an unknown address and with a wrong password is alike in status, body and time',
    async () => {
      const { email } = await Person.signUp(url, 'Una')
      const disabled = await Person.signUp(url, 'Dan')
      await target.sql`update users set disabled_at_ms = 1 where id = ${disabled.userId}`
      const kinds: Record<string, () => Promise<RawAnswer>> = {
        unknown: () => signIn(newAddress(), 'some wrong password'),
        wrong: () => signIn(email, 'some wrong password'),
        disabled: () => signIn(disabled.email, PASSWORD),
      }
      const times: Record<string, number[]> = { unknown: [], wrong: [], disabled: [] }
      const answers = new Set<string>()
      // One after the other in turn, so that whatever else the machine does meets all kinds alike.
      for (let round = 0; round < SAMPLES; round += 1)
        for (const [kind, attempt] of Object.entries(kinds)) {
          const { result, ms } = await timed(attempt)
          times[kind]?.push(ms)
          answers.add(JSON.stringify(seen(result)))
        }
      expect([...answers]).toHaveLength(1)
      expect([...answers][0]).toContain('"status":401')
      const wrong = median(times.wrong ?? [])
      for (const kind of ['unknown', 'disabled'])
        expect([kind, median(times[kind] ?? []) / wrong]).toEqual([kind, expect.toSatisfy(isNearOne)])
    },
    60_000 + SAMPLES * 1_000,
  )

  /** Without a hash for nobody it would be a twentieth; noise on a busy machine is a few hundredths. */
  const isNearOne = (ratio: number) => ratio > 0.75 && ratio < 1.33

  it('input E2: or resetting a password never tells whether an address is known', async () => {
    const { email } = await Person.signUp(url, 'Rea')
    const known = await post('password-reset', { email, code: 'wrong', next: 'another sentence' })
    const unknown = await post('password-reset', {
      email: newAddress(),
      code: 'wrong',
      next: 'another sentence',
    })
    expect(seen(known)).toEqual(seen(unknown))
    expect(known.status).toBe(401)
    const { text } = await signIn(email, 'some wrong password')
    expect(text).not.toContain(email)
  })

  it('input E7: 200 times at once is bounded, and leaves the messages of others as quick as they were', async () => {
    const owner = await Person.signUp(url, 'Ona')
    const roomId = await owner.createRoom()
    const victims = await Promise.all(Array.from({ length: 5 }, () => Person.signUp(url, 'Vic')))
    const socket = await owner.connect()
    const sendOne = () =>
      expectOk(call(socket, 'message:send', { roomId, clientMessageId: clientId(), text: 'quick' }))
    let over = false
    const waited: number[] = []
    const sending = (async () => {
      while (!over) waited.push((await timed(sendOne)).ms)
    })()
    const logins = await Promise.all(
      Array.from({ length: 200 }, (_, index) => signIn(victims[index % 5]?.email ?? '', PASSWORD)),
    )
    over = true
    await sending
    const count = (status: number) => logins.filter((answer) => answer.status === status).length
    expect(count(200) + count(503)).toBe(200)
    expect(count(200)).toBeGreaterThan(0)
    expect(count(503)).toBeGreaterThan(0)
    for (const { status, body, headers } of logins) {
      if (status !== 503) continue
      expect(body).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) })
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(waited.length).toBeGreaterThan(5)
    // Some fifty samples on a machine that is hashing on all its cores: a bench looks closer.
    expect(percentile(waited, 0.9)).toBeLessThan(1_000)
    expect(Math.max(...waited)).toBeLessThan(3_000)
    owner.close()
    // What was refused was not lost: a later try is served.
    expect((await signIn(victims[0]?.email ?? '', PASSWORD)).status).toBe(200)
  })
})

describe('a password', () => {
  it('input E5: of 64 characters works, and so does one of 1,000', async () => {
    for (const password of ['p'.repeat(64), '🦊'.repeat(64), 'ø '.repeat(500).trim()]) {
      const email = newAddress()
      expect((await signUp(email, password)).status).toBe(201)
      expect((await signIn(email, password)).status).toBe(200)
    }
  })

  it('input E5: of 1 MB, or longer than any may be, is refused before it is hashed', async () => {
    const email = newAddress()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const password = 'p'.repeat(index % 2 === 0 ? 1_048_576 : 60_000)
        return index % 4 < 2 ? signIn(email, password) : signUp(email, password)
      }),
    )
    // So many hashes at once would be more than may wait, and some of these answers would be 503.
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 413]))
    expect(answers.filter(({ status }) => status === 413)).toHaveLength(100)
  })

  it('input E6: is stored as argon2id of at least 19 MiB, two passes and one lane, and nowhere else', async () => {
    const email = newAddress()
    const password = 'nowhere but in a hash'
    await signUp(email, password)
    const [row] = await target.sql`select * from users where email = ${email}`
    const [, memory, passes, lanes] =
      /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(String(row?.password_hash)) ?? []
    expect(Number(memory)).toBeGreaterThanOrEqual(19_456)
    expect(Number(passes)).toBeGreaterThanOrEqual(2)
    expect(Number(lanes)).toBe(1)
    expect(JSON.stringify(row)).not.toContain(password)
    const again = newAddress()
    await signUp(again, password)
    const [other] = await target.sql`select password_hash from users where email = ${again}`
    expect(other?.password_hash).not.toBe(row?.password_hash)
  })

  it('input E6: that was hashed with weaker parameters is hashed anew when it is used', async () => {
    const { email, userId } = await Person.signUp(url, 'Old')
    const weak = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
    await target.sql`update users set password_hash = ${weak} where id = ${userId}`
    const stored = async () =>
      String((await target.sql`select password_hash from users where id = ${userId}`)[0]?.password_hash)
    expect((await signIn(email, 'some wrong password')).status).toBe(401)
    expect(await stored()).toBe(weak)
    expect((await signIn(email, PASSWORD)).status).toBe(200)
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await signIn(email, PASSWORD)).status).toBe(200)
  })

  it('input E8: that is among the most common is refused, in any case and in every way to set one', async () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThanOrEqual(3_000)
    const known = [
      'password',
      'Password',
      'PASSWORD1',
      '12345678',
      '123456789',
      'qwertyuiop',
      'iloveyou',
      'sunshine',
      'princess',
      'football',
    ]
    const long = [...COMMON_PASSWORDS].filter((password) => password.length >= 8)
    const sample = long.filter((_, index) => index % Math.ceil(long.length / 100) === 0)
    for (const password of [...known, ...sample]) {
      const answer = await signUp(newAddress(), password)
      expect([password, answer.status, answer.body.code]).toEqual([password, 400, 'VALIDATION_FAILED'])
    }
    const { accessToken, email } = await Person.signUp(url, 'Com')
    const change = { current: PASSWORD, next: 'password1' }
    expect((await post('password', change, { token: accessToken })).status).toBe(400)
    expect((await post('password-reset', { email, code: 'x', next: 'password1' })).status).toBe(400)
  })

  it('input E8: is neither cut nor asked to be of certain kinds of characters', async () => {
    const start = 'the same first seventy-two bytes of two passwords that differ in the end '
    expect(start.length).toBeGreaterThan(72)
    const email = newAddress()
    expect((await signUp(email, `${start}one`)).status).toBe(201)
    expect((await signIn(email, `${start}two`)).status).toBe(401)
    expect((await signIn(email, start)).status).toBe(401)
    expect((await signIn(email, `${start}one`)).status).toBe(200)
    for (const plain of ['lowercaseonly', '        ~', '84730592', 'ДЛИННЫЙПАРОЛЬ', '👾👾👾👾👾👾👾👾'])
      expect([plain, (await signUp(newAddress(), plain)).status]).toEqual([plain, 201])
    for (const short of ['seven77', '👾👾👾👾'])
      expect([short, (await signUp(newAddress(), short)).status]).toEqual([short, 400])
  })
})

describe('an operator token', () => {
  const token = 'operator-0123456789abcdef01234567'

  it('input E9: is compared whole, whatever the length of what is presented', () => {
    const others = [
      '',
      'o',
      token.slice(0, -1),
      `${token}7`,
      `x${token.slice(1)}`,
      token.toUpperCase(),
      '\0',
      token + token,
    ]
    for (const other of others) expect(sameToken(other, token)).toBe(false)
    expect(sameToken(token, token)).toBe(true)
  })

  it('input E9: is compared in no other way anywhere in the server', async () => {
    const root = join(import.meta.dirname, '../../../apps/server')
    const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const texts = await Promise.all(files.map((name) => readFile(join(root, name), 'utf8')))
    expect(texts.filter((text) => text.includes('sameToken(')).length).toBeGreaterThanOrEqual(2)
    // Against null alone: that asks whether there is one.
    const plain = /(?:admin|metrics)Token\s*[!=]==?(?!=|\s*null)|[!=]==?\s*(?:\w+\.)*(?:admin|metrics)Token/
    expect(files.filter((_, index) => plain.test(texts[index] ?? ''))).toEqual([])
  })
})
