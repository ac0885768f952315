import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ClockPort } from '../../core/ports/clock-port.js'
import type { AccessClaims, TokenPort } from '../../core/ports/token-port.js'

export type TokenFixture = {
  readonly tokens: TokenPort
  /** Another process of the same deployment. */
  readonly peer: TokenPort
  /** Another deployment, with its own key. */
  readonly foreign: TokenPort
  /** The clock that `tokens` and `peer` go by. */
  readonly clock: Pick<ClockPort, 'nowMs'>
  readonly passTimeMs: (ms: number) => Promise<void>
}

const MINUTE_MS = 60_000

const claimsFor = (clock: Pick<ClockPort, 'nowMs'>, livesMs: number): AccessClaims => ({
  userId: randomUUID(),
  loginId: randomUUID(),
  expiresAtMs: clock.nowMs() + livesMs,
})

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What every maker of tokens does. */
export const tokenPortContract = {
  'reads back whose token it is, and until when': async ({ tokens, clock }) => {
    const claims = claimsFor(clock, MINUTE_MS)
    const read = await tokens.verifyAccess(await tokens.signAccess(claims))
    assert.equal(read?.userId, claims.userId)
    assert.equal(read?.loginId, claims.loginId)
    const lostMs = claims.expiresAtMs - (read?.expiresAtMs ?? 0)
    assert.ok(lostMs >= 0 && lostMs < 1_000, `expires ${lostMs} ms before it was asked to`)
  },
  'admits a token of another process': async ({ tokens, peer, clock }) => {
    const claims = claimsFor(clock, MINUTE_MS)
    assert.equal((await peer.verifyAccess(await tokens.signAccess(claims)))?.userId, claims.userId)
  },
  'refuses a token that has expired': async ({ tokens, clock, passTimeMs }) => {
    const token = await tokens.signAccess(claimsFor(clock, 2_000))
    assert.notEqual(await tokens.verifyAccess(token), null)
    await passTimeMs(2_100)
    assert.equal(await tokens.verifyAccess(token), null)
  },
  'refuses a token of another deployment': async ({ tokens, foreign, clock }) => {
    const claims = claimsFor(clock, MINUTE_MS)
    assert.equal(await tokens.verifyAccess(await foreign.signAccess(claims)), null)
    assert.equal(await foreign.verifyAccess(await tokens.signAccess(claims)), null)
  },
  'refuses a token that was altered anywhere': async ({ tokens, clock }) => {
    const token = await tokens.signAccess(claimsFor(clock, MINUTE_MS))
    // The last character of base64url may carry bits that mean nothing.
    for (let at = 0; at < token.length - 1; at += 7) {
      const altered = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      assert.equal(await tokens.verifyAccess(altered), null, `altered at ${at}`)
    }
  },
  'refuses a token that names no algorithm': async ({ tokens, clock }) => {
    const { userId, loginId, expiresAtMs } = claimsFor(clock, MINUTE_MS)
    const claims = { sub: userId, sid: loginId, iss: 'parley', aud: 'parley', exp: expiresAtMs / 1_000 }
    for (const alg of ['none', 'None', 'NONE', ''])
      assert.equal(
        await tokens.verifyAccess(`${base64url({ alg, typ: 'at+jwt' })}.${base64url(claims)}.`),
        null,
      )
  },
  'refuses what is no token, and never throws': async ({ tokens }) => {
    const junk = [
      '',
      '.',
      '..',
      'a.b.c',
      'null',
      '{}',
      '\0',
      '\ud800',
      'é'.repeat(100),
      'a'.repeat(1_000_000),
    ]
    for (const text of junk) assert.equal(await tokens.verifyAccess(text), null, text.slice(0, 20))
  },
  'mints secrets of 256 bits that are never the same': async ({ tokens, peer }) => {
    const secrets = Array.from({ length: 500 }, () => [tokens.mintSecret(), peer.mintSecret()]).flat()
    for (const secret of secrets) {
      assert.match(secret, /^[\w-]{43}$/)
      assert.equal(Buffer.from(secret, 'base64url').length, 32)
    }
    assert.equal(new Set(secrets).size, secrets.length)
  },
  'digests with SHA-256': async ({ tokens }) => {
    assert.equal(tokens.digest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
    assert.equal(tokens.digest(''), '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
    assert.equal(tokens.digest('é'), 'SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw_biumnEw')
  },
} satisfies Record<string, (fixture: TokenFixture) => Promise<void>>
