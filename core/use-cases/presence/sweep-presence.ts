import type { PresencePort } from '../../ports/presence-port.js'
import { type TellingPorts, tellRooms } from './tell-rooms.js'

type Ports = TellingPorts & { presence: PresencePort }

/** Keeps this process's sockets present, and tells the rooms of users whose process died; how many such users it found. */
export class SweepPresence {
  constructor(private readonly ports: Ports) {}

  async execute(): Promise<number> {
    const { presence } = this.ports
    await presence.beat()
    const gone = await presence.reap()
    await tellRooms(this.ports, gone, 'offline')
    return gone.length
  }
}
