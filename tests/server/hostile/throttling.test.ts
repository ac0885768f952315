import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { PASSWORD } from '../../support/person.js'
import { asManyAs } from '../../support/server-mode.js'
import { type RawAnswer, send } from './raw-http.js'
import { expectAlive } from './room-under-watch.js'

/** Two servers, or an embedded one, with the limits that everybody has; each test comes from addresses of its own. */
let target: Instances

beforeAll(async () => {
  target = await startInstances(asManyAs(2), { PARLEY_LIMIT_FACTOR: '1' })
})
afterAll(async () => {
  await expectAlive(target)
  await target?.stop()
})

const WRONG = 'some wrong password'
const post = (path: string, body: unknown, from: string, instance = 0): Promise<RawAnswer> =>
  send(target.urls[instance % target.urls.length] ?? '', 'POST', `/api/v1/auth/${path}`, { body, from })

let addresses = 0
async function newAccount(from: string): Promise<string> {
  addresses += 1
  const email = `owner${addresses}@example.org`
  const answer = await post('sign-up', { email, password: PASSWORD, displayName: 'Owner' }, from)
  expect(answer.status).toBe(201)
  return email
}

/** A few at once, as a real attack would; the answers by status. */
async function attack(
  times: number,
  attempt: (index: number) => Promise<RawAnswer>,
): Promise<{ readonly count: Record<number, number>; readonly answers: readonly RawAnswer[] }> {
  const answers: RawAnswer[] = []
  for (let next = 0; next < times; next += 10)
    answers.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(10, times - next) }, (_, index) => attempt(next + index)),
      )),
    )
  const count: Record<number, number> = {}
  for (const { status } of answers) count[status] = (count[status] ?? 0) + 1
  return { count, answers }
}

/** Tries again when it is told to, as a patient person does. */
async function patiently(attempt: () => Promise<RawAnswer>, withinMs: number): Promise<RawAnswer> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const answer = await attempt()
    if (answer.status !== 429 || performance.now() > deadlineMs) return answer
    await new Promise((resolve) => setTimeout(resolve, Number(answer.body.retryAfterMs)))
  }
}

/** What a bucket lets through while an attack of some seconds lasts, beside its burst. */
const refilled = (perMinute: number, startedMs: number) =>
  Math.ceil(((performance.now() - startedMs) / 60_000) * perMinute) + 1

describe('wrong passwords', () => {
  it('input E3: 100 for one account from one address are throttled, while the owner comes in from elsewhere', async () => {
    const email = await newAccount('127.0.1.1')
    const startedMs = performance.now()
    const { count, answers } = await attack(100, () =>
      post('sign-in', { email, password: WRONG }, '127.0.1.2'),
    )
    expect(count[401]).toBeGreaterThanOrEqual(10)
    expect(count[401]).toBeLessThanOrEqual(10 + refilled(5, startedMs))
    expect((count[401] ?? 0) + (count[429] ?? 0)).toBe(100)
    const last = answers.at(-1)
    expect(last?.body).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
    expect(Number(last?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    // Not even the right one: a throttle that lets the right password through answers the guess.
    expect((await post('sign-in', { email, password: PASSWORD }, '127.0.1.2')).status).toBe(429)
    expect((await post('sign-in', { email, password: PASSWORD }, '127.0.1.1')).status).toBe(200)
  })

  it('input E3: 100 for one account from many addresses are throttled, and the owner comes in soon after', async () => {
    const email = await newAccount('127.0.2.1')
    const startedMs = performance.now()
    const { count } = await attack(100, (index) =>
      post('sign-in', { email, password: WRONG }, `127.0.2.${10 + Math.floor(index / 5)}`),
    )
    expect(count[401]).toBeLessThanOrEqual(60 + refilled(30, startedMs))
    expect(count[429]).toBeGreaterThan(0)
    const owner = await patiently(() => post('sign-in', { email, password: PASSWORD }, '127.0.2.1'), 15_000)
    expect(owner.status).toBe(200)
  })

  it('input E3: 100 for many accounts from one address are throttled, and others sign in from theirs', async () => {
    const email = await newAccount('127.0.3.1')
    const startedMs = performance.now()
    const { count } = await attack(100, (index) =>
      post('sign-in', { email: `sprayed${index}@example.org`, password: WRONG }, '127.0.3.2'),
    )
    expect(count[401]).toBeLessThanOrEqual(60 + refilled(30, startedMs))
    expect(count[429]).toBeGreaterThan(0)
    expect((await post('sign-in', { email, password: PASSWORD }, '127.0.3.1')).status).toBe(200)
  })

  it('input E4: spread over two instances are counted together', async () => {
    const email = await newAccount('127.0.4.1')
    const startedMs = performance.now()
    const { count } = await attack(60, (index) =>
      post('sign-in', { email, password: WRONG }, '127.0.4.2', index % 2),
    )
    expect(count[401]).toBeGreaterThanOrEqual(10)
    expect(count[401]).toBeLessThanOrEqual(10 + refilled(5, startedMs))
  })
})

describe('signing up', () => {
  it('input E2: with a known address is a conflict, and asked too often is throttled for the address', async () => {
    const email = await newAccount('127.0.5.1')
    const body = { email, password: PASSWORD, displayName: 'Copy' }
    const statuses: number[] = []
    for (let index = 0; index < 8; index += 1)
      statuses.push((await post('sign-up', body, `127.0.5.${10 + index}`, index % 2)).status)
    expect(statuses.slice(0, 4)).toEqual([409, 409, 409, 409])
    expect(statuses.slice(-2)).toEqual([429, 429])
    const upper = { ...body, email: email.toUpperCase() }
    expect((await post('sign-up', upper, '127.0.5.99')).status).toBe(429)
    const rows = await target.sql`select 1 from users where email_key = ${email}`
    expect(rows).toHaveLength(1)
    // Neither the owner nor anybody else is hindered by it.
    expect((await post('sign-in', { email, password: PASSWORD }, '127.0.5.1')).status).toBe(200)
  })

  it('input E2: from one address too often is throttled, and not from another', async () => {
    const startedMs = performance.now()
    const { count } = await attack(60, (index) =>
      post(
        'sign-up',
        { email: `mass${index}@example.org`, password: PASSWORD, displayName: 'Mass' },
        '127.0.6.1',
        index % 2,
      ),
    )
    expect(count[201]).toBeLessThanOrEqual(40 + refilled(10, startedMs))
    expect(count[429]).toBeGreaterThan(0)
    const rows = await target.sql`select count(*)::int as n from users where email like 'mass%'`
    expect(rows[0]?.n).toBe(count[201])
    await newAccount('127.0.6.2')
  })

  it('input E2: or resetting codes from one address too often is throttled', async () => {
    const startedMs = performance.now()
    const { count } = await attack(20, (index) =>
      post(
        'password-reset',
        { email: `reset${index}@example.org`, code: 'x', next: PASSWORD },
        '127.0.7.1',
        index % 2,
      ),
    )
    expect(count[401]).toBeLessThanOrEqual(10 + refilled(5, startedMs))
    expect(count[429]).toBeGreaterThan(0)
  })
})
