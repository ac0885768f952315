import type { Actor } from '../../domain/account.js'
import type { RoomId } from '../../domain/ids.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Room } from '../../domain/room.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from './room-access.js'

type Ports = { rooms: RoomRepoPort }
type Input = { readonly roomId: RoomId; readonly minSeq?: number | undefined }

/** One room, for a member. */
export class GetRoom {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: Input): Promise<Result<{ room: Room; headSeq: number }, Refusal>> {
    const access = await admitReader(this.ports.rooms, actor, input.roomId, input.minSeq)
    return access.ok ? ok({ room: access.value.room, headSeq: access.value.heads.head }) : access
  }
}
