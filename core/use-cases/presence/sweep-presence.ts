import type { PresencePort } from '../../ports/presence-port.js'
import type { PresenceTelling } from './presence-telling.js'

type Ports = { presence: PresencePort; telling: PresenceTelling }

/**
 * Keeps this process's sockets present, and tells the rooms of users who came back with it, whose process died, or of whom
 * they may not know yet; how many of the second it found.
 */
export class SweepPresence {
  constructor(private readonly ports: Ports) {}

  async execute(): Promise<number> {
    const { presence, telling } = this.ports
    await telling.tell(await presence.beat())
    const gone = await presence.reap()
    await telling.tell(gone.map((userId) => ({ userId, state: 'offline' })))
    await telling.tellAgain()
    return gone.length
  }
}
