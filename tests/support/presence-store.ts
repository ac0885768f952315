import type { MeetingPresence, OwnSockets, Place } from '../../adapters/failover/index.js'
import { MemoryClock, MemoryPresence, MemoryPresenceHub } from '../../adapters/memory/index.js'
import type { SocketId, UserId } from '../../core/domain/ids.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'

type OwnSocket = { readonly userId: UserId; readonly state: 'online' | 'away' }

/** A store of presence whose changes can be held up or fail, and whose answers can be held up or partial. */
export class PresenceStore implements MeetingPresence {
  readonly sockets = new Map<SocketId, OwnSocket>()
  attempts = 0
  fails = false
  /** How often states were asked for, and whether any are missing. */
  asked = 0
  isPartial = false
  answering: Promise<unknown> = Promise.resolve()
  /** Whom the next reaping finds. */
  readonly left: UserId[] = []
  places: readonly Place[] = []
  private readonly inner = new MemoryPresence(new MemoryClock(), new MemoryPresenceHub())
  private held: Promise<void> | null = null
  private letGo: () => void = () => undefined

  hold(): void {
    this.held = new Promise((resolve) => {
      this.letGo = resolve
    })
  }
  release(): void {
    this.held = null
    this.letGo()
  }
  async announce(userId: UserId, socketId: SocketId, state: 'online' | 'away') {
    await this.attempt()
    this.sockets.set(socketId, { userId, state })
    return this.inner.announce(userId, socketId, state)
  }
  async withdraw(userId: UserId, socketId: SocketId) {
    await this.attempt()
    this.sockets.delete(socketId)
    return this.inner.withdraw(userId, socketId)
  }
  async bring(sockets: OwnSockets) {
    for (const [socketId, { userId }] of [...this.sockets]) await this.withdraw(userId, socketId)
    for (const [socketId, { userId, state }] of sockets) await this.announce(userId, socketId, state)
  }
  async states(userIds: readonly UserId[]) {
    this.asked += 1
    await this.answering
    return { ...(await this.inner.states(userIds)), partial: this.isPartial }
  }
  readonly beat = () => this.inner.beat()
  readonly reap = async () => this.left.splice(0)
  readonly leave = () => this.inner.leave()
  readonly changes = (mark: string | null) => this.inner.changes(mark)
  readonly placesOfPeers = async () => new Set(this.places)
  readonly tellPlace = async () => undefined
  readonly remember = async () => undefined

  private async attempt(): Promise<void> {
    this.attempts += 1
    await this.held
    if (this.fails) throw new PortUnavailable('PresencePort', new Error('it fails'))
  }
}
