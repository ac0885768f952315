import { ENDED_LOGIN_MEMORY_MS, type EndedLogin } from '../../domain/account.js'
import type { LoginId } from '../../domain/ids.js'
import type { BusPort } from '../../ports/bus-port.js'
import type { ClockPort } from '../../ports/clock-port.js'

const TOPIC = 'logins'

type Ports = { bus: BusPort; clock: ClockPort }

/**
 * What this process knows of ended logins. A token of one is refused, and its sockets are closed. Fed by this process's own
 * use cases, by the bus, and by the sweep, which finds whatever the bus lost.
 */
export class LoginFeed {
  private readonly ended = new Map<LoginId, EndedLogin>()
  private readonly listeners: ((login: EndedLogin) => void)[] = []

  constructor(private readonly ports: Ports) {}

  async start(): Promise<void> {
    await this.ports.bus.subscribe(TOPIC, (message) => this.learn(JSON.parse(message) as EndedLogin[]))
  }

  hasEnded(loginId: LoginId): boolean {
    return this.ended.has(loginId)
  }

  /** Called once for each ended login that this process learns of. */
  onEnded(listener: (login: EndedLogin) => void): void {
    this.listeners.push(listener)
  }

  /** Tells this process and all others. Resolves without waiting for the others; the sweep reaches those the bus does not. */
  announce(logins: readonly EndedLogin[]): void {
    if (logins.length === 0) return
    this.learn(logins)
    this.ports.bus.publish(TOPIC, JSON.stringify(logins)).catch(() => undefined)
  }

  learn(logins: readonly EndedLogin[]): void {
    for (const login of logins) {
      if (this.ended.has(login.loginId)) continue
      this.ended.set(login.loginId, login)
      for (const listener of this.listeners) listener(login)
    }
  }

  /** Forgets logins whose access tokens have all expired. */
  prune(): void {
    const oldestMs = this.ports.clock.nowMs() - ENDED_LOGIN_MEMORY_MS
    for (const [id, login] of this.ended) if (login.endedAtMs < oldestMs) this.ended.delete(id)
  }
}
