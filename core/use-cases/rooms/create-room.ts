import type { Actor } from '../../domain/account.js'
import { refusalOf } from '../../domain/denial.js'
import { isClientId } from '../../domain/ids.js'
import { LIMITS } from '../../domain/rate-limits.js'
import { conflict, invalid, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { MediationMode, Room, RoomKind } from '../../domain/room.js'
import { checkName, ROOM_NAME } from '../../domain/text.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { IdPort } from '../../ports/id-port.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import { withinLimits } from '../rate-limiting.js'
import { creationKey } from './creation-key.js'

type Ports = { rooms: RoomRepoPort; limits: RateLimitPort; ids: IdPort; clock: ClockPort; tokens: TokenPort }

export type CreateRoomInput = {
  readonly name: string
  readonly kind?: RoomKind | undefined
  readonly mediation?: MediationMode | undefined
  readonly sendAnyway?: boolean | undefined
  readonly optOut?: boolean | undefined
  readonly clientId?: string | undefined
}

/** Opens a room with its creator as owner. With a `clientId`, repeating the call answers the same room. */
export class CreateRoom {
  constructor(private readonly ports: Ports) {}

  async execute(actor: Actor, input: CreateRoomInput): Promise<Result<Room, Refusal>> {
    const { rooms, limits, ids, clock, tokens } = this.ports
    const name = checkName('name', input.name, ROOM_NAME)
    if (!name.ok) return name
    if (input.clientId !== undefined && !isClientId(input.clientId))
      return invalid('clientId', 'must be 1 to 64 of A-Z a-z 0-9 _ -')
    const allowed = await withinLimits(limits, [[`create:${actor.userId}`, LIMITS.creationsPerUser]])
    if (!allowed.ok) return allowed

    const settings = {
      name: name.value,
      kind: input.kind ?? 'group',
      mediation: input.mediation ?? 'hold',
      sendAnyway: input.sendAnyway ?? true,
      optOut: input.optOut ?? false,
    }
    const room = { id: ids.next(), ...settings, createdAtMs: clock.nowMs() }
    const created = await rooms.create(room, actor, creationKey(tokens, input.clientId, settings))
    if (!created.ok) return refusalOf(created.refusal)
    if (created.value.outcome === 'conflict') return conflict('This clientId was used for another room.')
    return ok(created.value.value)
  }
}
