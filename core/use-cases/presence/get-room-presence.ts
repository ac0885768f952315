import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Presence, PresencePort } from '../../ports/presence-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from '../rooms/room-access.js'

type Ports = { rooms: RoomRepoPort; presence: PresencePort }
type Input = { readonly roomId: RoomId; readonly minSeq?: number | undefined }

export type RoomPresence = {
  readonly presences: readonly Presence[]
  /** Whether sockets of other processes could not be asked for. */
  readonly partial: boolean
  readonly headSeq: number
}

/** Which members of a room are there now. */
export class GetRoomPresence {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<RoomPresence, Refusal>> {
    const { rooms, presence } = this.ports
    const access = await admitReader(rooms, actor, input.roomId, input.minSeq)
    if (!access.ok) return access
    const { members, headSeq } = await rooms.members(input.roomId)
    return ok({ ...(await presence.states(members.map((member) => member.userId))), headSeq })
  }
}
