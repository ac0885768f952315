import type { PresencePort, PresenceState, UserState } from '../../ports/presence-port.js'
import { type TellingPorts, tellRooms } from './tell-rooms.js'

type Ports = TellingPorts & { presence: PresencePort }

const STATES: readonly PresenceState[] = ['online', 'away', 'offline']

/**
 * Keeps this process's sockets present, and tells the rooms of users who came back with it or whose process died; how many
 * of the latter it found.
 */
export class SweepPresence {
  constructor(private readonly ports: Ports) {}

  async execute(): Promise<number> {
    const { presence } = this.ports
    await this.tell(await presence.beat())
    const gone = await presence.reap()
    await tellRooms(this.ports, gone, 'offline')
    return gone.length
  }

  private async tell(users: readonly UserState[]): Promise<void> {
    for (const state of STATES) {
      const alike = users.filter((user) => user.state === state)
      await tellRooms(
        this.ports,
        alike.map(({ userId }) => userId),
        state,
      )
    }
  }
}
