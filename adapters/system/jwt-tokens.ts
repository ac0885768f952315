import { createHmac, createSecretKey, hash, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { SignJWT } from 'jose/jwt/sign'
import { isId } from '../../core/domain/ids.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import type { AccessClaims, TokenPort } from '../../core/ports/token-port.js'

const ALGORITHM = 'HS256'
const AUDIENCE = 'parley'
const TYPE = 'at+jwt'
const HEADER = Buffer.from(JSON.stringify({ alg: ALGORITHM, typ: TYPE })).toString('base64url')

/** RFC 7518 asks HS256 for a key as long as its digest. */
const SECRET_MIN_BYTES = 32

export type JwtSettings = {
  /** At least 32 bytes in UTF-8; every process of a deployment has the same, and no other deployment has it. */
  readonly secret: string
  readonly clock: ClockPort
  readonly issuer?: string
}

/** Access tokens as JWTs signed with HMAC-SHA-256; secrets from the machine's random numbers. */
export class JwtTokens implements TokenPort {
  private readonly key: KeyObject
  private readonly clock: ClockPort
  private readonly issuer: string

  constructor({ secret, clock, issuer = 'parley' }: JwtSettings) {
    const bytes = Buffer.from(secret, 'utf8')
    if (bytes.length < SECRET_MIN_BYTES)
      throw new RangeError(`a secret to sign with must have at least ${SECRET_MIN_BYTES} bytes`)
    this.key = createSecretKey(bytes)
    this.clock = clock
    this.issuer = issuer
  }

  signAccess({ userId, loginId, expiresAtMs }: AccessClaims): Promise<string> {
    return new SignJWT({ sid: loginId })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setSubject(userId)
      .setIssuer(this.issuer)
      .setAudience(AUDIENCE)
      .setIssuedAt(Math.floor(this.clock.nowMs() / 1_000))
      .setExpirationTime(Math.floor(expiresAtMs / 1_000))
      .sign(this.key)
  }

  async verifyAccess(token: string): Promise<AccessClaims | null> {
    const { sub: userId, sid: loginId, iss, aud, exp } = this.signedClaims(token) ?? {}
    if (iss !== this.issuer || aud !== AUDIENCE) return null
    if (typeof exp !== 'number' || exp <= Math.floor(this.clock.nowMs() / 1_000)) return null
    if (typeof userId !== 'string' || typeof loginId !== 'string') return null
    return isId(userId) && isId(loginId) ? { userId, loginId, expiresAtMs: exp * 1_000 } : null
  }

  mintSecret(): string {
    return randomBytes(32).toString('base64url')
  }

  digest(text: string): string {
    return hash('sha256', text, 'base64url')
  }

  /**
   * What a token says that this key has signed. The key signs nothing but access tokens, all under one header, so that none
   * of it is up to the token. Synchronous: as a job of WebCrypto's thread pool each check took half a millisecond.
   */
  private signedClaims(token: string): Readonly<Record<string, unknown>> | null {
    const [header, payload, signature, rest] = token.split('.', 4)
    if (header !== HEADER || payload === undefined || signature === undefined || rest !== undefined)
      return null
    const sound = Buffer.from(
      createHmac('sha256', this.key).update(`${header}.${payload}`).digest('base64url'),
    )
    const given = Buffer.from(signature)
    if (given.length !== sound.length || !timingSafeEqual(given, sound)) return null
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  }
}
