import { createSecretKey, randomUUID } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { JwtTokens } from './jwt-tokens.js'
import { SystemClock } from './system-clock.js'

/** As long as HS512 asks for, so that a token signed with that has no other flaw. */
const SECRET = 'the secret of the deployment under test'.padEnd(64, '.')
const clock = new SystemClock()
const tokens = new JwtTokens({ secret: SECRET, clock })
const sound = { sub: randomUUID(), sid: randomUUID(), iss: 'parley', aud: 'parley' }

type Forgery = {
  readonly claims?: JWTPayload
  readonly alg?: string
  readonly typ?: string
  readonly secret?: string
}

const sign = ({ claims = sound, alg = 'HS256', typ = 'at+jwt', secret = SECRET }: Forgery): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg, typ })
    .setExpirationTime('10m')
    .sign(createSecretKey(Buffer.from(secret)))

describe('JwtTokens', () => {
  it('signs with HS256 for the audience parley, and tells nothing but user, login and times', async () => {
    const expiresAtMs = clock.nowMs() + 60_000
    const token = await tokens.signAccess({ userId: sound.sub, loginId: sound.sid, expiresAtMs })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'at+jwt' })
    expect(decodeJwt(token)).toEqual({
      ...sound,
      iat: expect.any(Number),
      exp: Math.floor(expiresAtMs / 1_000),
    })
  })

  it('admits what the forgeries below would be without their flaw', async () => {
    expect(await tokens.verifyAccess(await sign({}))).toMatchObject({ userId: sound.sub, loginId: sound.sid })
  })

  it.each<[string, Forgery]>([
    ['for another audience', { claims: { ...sound, aud: 'elsewhere' } }],
    ['for no audience', { claims: { sub: sound.sub, sid: sound.sid, iss: 'parley' } }],
    ['of another issuer', { claims: { ...sound, iss: 'elsewhere' } }],
    ['of another key', { secret: 'the secret of quite another deployment' }],
    ['signed with HS512', { alg: 'HS512' }],
    ['of another type', { typ: 'JWT' }],
    ['without a login', { claims: { ...sound, sid: undefined } }],
    ['whose login is an object', { claims: { ...sound, sid: { toString: sound.sid } } }],
    ['whose user can be none', { claims: { ...sound, sub: "' or 1=1" } }],
  ])('refuses a token %s', async (_, forgery) => {
    expect(await tokens.verifyAccess(await sign(forgery))).toBeNull()
  })

  it('refuses a token that is not signed', async () => {
    expect(await tokens.verifyAccess(new UnsecuredJWT(sound).setExpirationTime('10m').encode())).toBeNull()
  })

  it('refuses a sound signature with anything before, behind or instead of it', async () => {
    const token = await sign({})
    const [header = '', payload = '', signature = ''] = token.split('.')
    const spoilt = [`.${token}`, `${token}.`, `${token}.x`, `${header}.${payload}`, `${header}.${payload}.`]
    const longer = [`${token}=`, `${token}A`, `${header}.${payload}.${signature.slice(0, -1)}é`]
    for (const text of [...spoilt, ...longer]) expect(await tokens.verifyAccess(text)).toBeNull()
  })

  it('refuses a token whose header says more than its own do', async () => {
    const key = createSecretKey(Buffer.from(SECRET))
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'another' }
    const token = await new SignJWT(sound).setProtectedHeader(header).setExpirationTime('10m').sign(key)
    expect(await tokens.verifyAccess(token)).toBeNull()
  })

  it('refuses a token that never expires', async () => {
    const key = createSecretKey(Buffer.from(SECRET))
    const eternal = await new SignJWT(sound).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(key)
    expect(await tokens.verifyAccess(eternal)).toBeNull()
  })

  it('does not work with a secret of fewer than 32 bytes', () => {
    expect(() => new JwtTokens({ secret: 'x'.repeat(31), clock })).toThrow(RangeError)
  })
})
