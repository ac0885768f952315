import type { Actor } from '../../domain/account.js'
import { isId, type RoomId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Room, RoomSettings } from '../../domain/room.js'
import { checkName, ROOM_NAME } from '../../domain/text.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { RoomDecision, RoomFacts, RoomLogPort } from '../../ports/room-log-port.js'
import { admitWriter } from './room-access.js'

type Ports = { log: RoomLogPort; clock: ClockPort }

export type RoomPatch = { readonly [K in keyof RoomSettings]?: RoomSettings[K] | undefined }

/** Changes the name and the mediation settings of a room; for its moderators. */
export class UpdateRoom {
  constructor(private readonly ports: Ports) {}

  async execute(
    actor: Actor,
    input: RoomPatch & { readonly roomId: RoomId },
  ): Promise<Result<Room, Refusal>> {
    const { roomId, ...patch } = input
    if (!isId(roomId)) return notFound()
    const name = patch.name === undefined ? ok(undefined) : checkName('name', patch.name, ROOM_NAME)
    if (!name.ok) return name
    return this.ports.log.write({
      roomId,
      actor,
      atMs: this.ports.clock.nowMs(),
      needs: {},
      touches: 'room',
      decide: (facts) => decide(facts, { ...patch, name: name.value }),
    })
  }
}

function decide(facts: RoomFacts, patch: RoomPatch): Result<RoomDecision<Room>, Refusal> {
  const writer = admitWriter(facts, 'moderate')
  if (!writer.ok) return writer
  const before = facts.room
  const after: Room = {
    ...before,
    name: patch.name ?? before.name,
    mediation: patch.mediation ?? before.mediation,
    sendAnyway: patch.sendAnyway ?? before.sendAnyway,
    optOut: patch.optOut ?? before.optOut,
  }
  const same =
    after.name === before.name &&
    after.mediation === before.mediation &&
    after.sendAnyway === before.sendAnyway &&
    after.optOut === before.optOut
  if (same) return ok({ changes: [], answer: () => before })
  return ok({
    changes: [{ type: 'room.updated', room: after }],
    answer: ([event]) => ({ ...after, headSeq: event?.seq ?? after.headSeq }),
  })
}
