import { createHash } from 'node:crypto'
import type { PasswordPort } from '../../core/ports/password-port.js'

const PREFIX = 'memory'

/** Fast hashing for tests. NOT SECURE: unsalted, and cheap to reverse. */
export class MemoryPasswords implements PasswordPort {
  /** Hashes of an earlier generation are answered as outdated, as if their parameters had been weaker. */
  constructor(private readonly generation = 1) {}

  async hash(password: string): Promise<string> {
    return this.hashed(this.generation, password)
  }

  async verify(password: string, hash: string | null) {
    const generation = Number(hash?.split('$')[1])
    const matches = hash !== null && hash === this.hashed(generation, password)
    return { matches, outdated: matches && generation < this.generation }
  }

  private hashed(generation: number, password: string): string {
    return `${PREFIX}$${generation}$${createHash('sha256').update(password).digest('base64url')}`
  }
}
