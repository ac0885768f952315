import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { ClockPort } from '../../core/ports/clock-port.js'
import type { AccessClaims, TokenPort } from '../../core/ports/token-port.js'
import { type RandomSource, randomBytesOf, seededRandom } from './seeded-random.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Tokens for tests. NOT SECURE: secrets repeat with the seed, and who knows `deployment` can sign. */
export class MemoryTokens implements TokenPort {
  constructor(
    private readonly clock: ClockPort,
    private readonly random: RandomSource = seededRandom(2),
    /** Tokens of another deployment are refused. */
    private readonly deployment = 'memory',
  ) {}

  async signAccess({ userId, loginId, expiresAtMs }: AccessClaims): Promise<string> {
    const payload = Buffer.from(JSON.stringify({ userId, loginId, expiresAtMs })).toString('base64url')
    return `${payload}.${this.signature(payload)}`
  }

  async verifyAccess(token: string): Promise<AccessClaims | null> {
    const [payload = '', signature, ...rest] = token.split('.')
    if (rest.length > 0 || signature !== this.signature(payload)) return null
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as AccessClaims
    return this.clock.nowMs() < claims.expiresAtMs ? claims : null
  }

  mintSecret(): string {
    return Buffer.from(randomBytesOf(this.random, 32)).toString('base64url')
  }

  digest(text: string): string {
    return sha256(text)
  }

  private signature(payload: string): string {
    return sha256(`${this.deployment} ${payload}`)
  }
}
