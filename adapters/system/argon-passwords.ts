import { hash, parseOptions, verify } from '@node-rs/argon2'
import type { PasswordPort } from '../../core/ports/password-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'

/** Argon2id as OWASP recommends it at least: 19 MiB, two passes, one lane. */
const TODAY = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** The package's `Algorithm.Argon2id`, a `const enum` that an isolated module cannot read. */
const ARGON2ID = 2

/** A well-formed hash under today's parameters that no password is known for: comparing with it takes the usual time. */
const NOBODYS =
  '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

const RETRY_AFTER_MS = 2_000

export type HashingLimits = {
  /** Below the four threads that Node shares with files and name look-ups, or these would wait for passwords. */
  readonly atOnce: number
  readonly waiting: number
}

/** Argon2id off the main thread, a few at a time; what exceeds the queue is refused at once, so that a flood costs others nothing. */
export class ArgonPasswords implements PasswordPort {
  private running = 0
  private readonly queue: (() => void)[] = []

  constructor(private readonly limits: HashingLimits = { atOnce: 2, waiting: 64 }) {}

  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, { ...TODAY, algorithm: ARGON2ID }))
  }

  async verify(
    password: string,
    stored: string | null,
  ): Promise<{ readonly matches: boolean; readonly outdated: boolean }> {
    const strength = stored === null ? null : strengthOf(stored)
    const readable = stored !== null && strength !== null
    const matches = await this.inTurn(() => verify(readable ? stored : NOBODYS, password))
    return { matches: matches && readable, outdated: strength === 'outdated' }
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.turn()
    try {
      return await work()
    } catch (cause) {
      throw new PortUnavailable('PasswordPort', cause, RETRY_AFTER_MS)
    } finally {
      const next = this.queue.shift()
      if (next === undefined) this.running -= 1
      else next()
    }
  }

  /** Resolves when there is a place, which is then taken; a place is handed on without being given back. */
  private async turn(): Promise<void> {
    if (this.running < this.limits.atOnce) {
      this.running += 1
      return
    }
    if (this.queue.length >= this.limits.waiting)
      throw new PortUnavailable('PasswordPort', new Error('too many passwords are waiting'), RETRY_AFTER_MS)
    await new Promise<void>((resolve) => this.queue.push(resolve))
  }
}

/** How a hash stands beside today's parameters; null for what is no argon2 hash, and so nobody's password. */
function strengthOf(stored: string): 'current' | 'outdated' | null {
  try {
    const { algorithm, memoryCost, timeCost } = parseOptions(stored)
    const isCurrent = algorithm === ARGON2ID && memoryCost >= TODAY.memoryCost && timeCost >= TODAY.timeCost
    return isCurrent ? 'current' : 'outdated'
  } catch {
    return null
  }
}
