import type { SocketId } from '../../core/domain/ids.js'
import type { Cancel, ClockPort } from '../../core/ports/clock-port.js'
import type { LiveSession, SessionPort } from '../../core/ports/session-port.js'
import { type FailoverState, type PrimaryHealth, stateOf } from './primary-health.js'

/** What the primary has missed of that many sockets is made good; that of others lapses by itself. */
const OUTDATED_MAX = 10_000
/** What could not be made good is tried again after this, so many at a time. */
const RETRY_MS = 1_000
const RETRIED_AT_ONCE = 500

/**
 * Live sessions remembered in one place, with the truth in another. The truth is written first, and asked whenever the primary has no
 * answer; so losing the primary costs a query a look-up, and nothing else.
 */
export class FailoverSessions implements SessionPort {
  /** Sockets of which the primary may remember what is no longer so. */
  private readonly outdated = new Set<SocketId>()
  private retry: Cancel | null = null

  constructor(
    private readonly primary: SessionPort,
    private readonly truth: SessionPort,
    private readonly health: PrimaryHealth,
    private readonly clock: ClockPort,
  ) {
    health.onChange(() => {
      if (health.isUp()) this.retryIn(0)
    })
  }

  async put(session: LiveSession): Promise<void> {
    await this.truth.put(session)
    await this.inPrimary(session.socketId, () => this.primary.put(session))
  }

  async find(socketId: SocketId): Promise<LiveSession | null> {
    if (!this.health.isUp() || this.outdated.has(socketId)) return this.truth.find(socketId)
    const remembered = await this.primary.find(socketId).catch(() => null)
    if (remembered !== null) return remembered
    const session = await this.truth.find(socketId)
    // Whoever asked does not wait for it; where it fails, the next one asks the truth again.
    if (session !== null) this.primary.put(session).catch(() => undefined)
    return session
  }

  async remove(socketId: SocketId): Promise<void> {
    await this.truth.remove(socketId)
    await this.inPrimary(socketId, () => this.primary.remove(socketId))
  }

  state(): FailoverState {
    return stateOf('SessionPort', this.health)
  }

  private async inPrimary(socketId: SocketId, change: () => Promise<void>): Promise<void> {
    if (this.health.isUp()) {
      try {
        await change()
        this.outdated.delete(socketId)
        return
      } catch {
        // As if it had not been there.
      }
    }
    // Behind the others, so that one that cannot be made good holds none up.
    this.outdated.delete(socketId)
    if (this.outdated.size < OUTDATED_MAX) this.outdated.add(socketId)
    this.retryIn(RETRY_MS)
  }

  private retryIn(delayMs: number): void {
    if (this.outdated.size === 0 || !this.health.isUp() || (this.retry !== null && delayMs > 0)) return
    this.retry?.()
    this.retry = this.clock.after(delayMs, () => {
      this.retry = null
      void this.forgetOutdated()
    })
  }

  private async forgetOutdated(): Promise<void> {
    for (const socketId of [...this.outdated].slice(0, RETRIED_AT_ONCE)) {
      if (!this.health.isUp()) return
      // What has been put meanwhile is as it should be.
      if (this.outdated.has(socketId)) await this.inPrimary(socketId, () => this.primary.remove(socketId))
    }
    this.retryIn(RETRY_MS)
  }
}
