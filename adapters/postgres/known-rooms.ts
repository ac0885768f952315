import type { RoomId, UserId } from '../../core/domain/ids.js'
import type { Member, Room, RoomHeads } from '../../core/domain/room.js'
import type { RoomFacts, RoomNeeds, RoomWrite } from '../../core/ports/room-log-port.js'
import { KnownLogins } from './known-logins.js'
import { putBounded } from './put-bounded.js'
import { type RoomRow, withHeads } from './room-rows.js'
import { blockOf } from './sender-blocks.js'

/** Someone of whom is known that they are a member. */
export type KnownMember = {
  readonly name: string
  readonly member: Member
  /** Null while it is not known. */
  sent: Sent | null
}

/** What a member has sent in a room. */
export type Sent = {
  /** How many messages. */
  readonly count: number
  /** The newest block of the room (`blockOf`) that one of them is known to open. */
  readonly opened: number
}

/** After one more message, the `ordinal`th of the room. */
export const sentNext = ({ count, opened }: Sent, ordinal: number): Sent => ({
  count: count + 1,
  opened: Math.max(opened, blockOf(ordinal)),
})

/** A room as a transaction left it that held it locked, and the members of whom it read. */
export type KnownRoom = {
  readonly row: RoomRow
  /** How many messages it has; null while that is not known. */
  readonly count: number | null
  readonly people: ReadonlyMap<UserId, KnownMember>
}

const ROOMS_MAX = 10_000

/**
 * What this process knows of rooms from its own writes: true for as long as the room's head in the database is the head of
 * `row`, since nothing of a room changes without raising it. Whoever decides by it has to have the head compared by the write.
 */
export class KnownRooms {
  readonly logins = new KnownLogins()
  private readonly rooms = new Map<RoomId, KnownRoom>()

  constructor(private readonly max = ROOMS_MAX) {}

  get(roomId: RoomId): KnownRoom | undefined {
    return this.rooms.get(roomId)
  }

  /**
   * The facts for a plain send by a member, with the room as it is after earlier sends of the same batch. Whether the login has
   * ended and whether the message is there already, the write has to look up. Null where something else is needed.
   */
  factsFor({ roomId, actor, atMs, needs }: RoomWrite<unknown>, room: Room): RoomFacts | null {
    if (!isPlainSend(needs)) return null
    const person = this.rooms.get(roomId)?.people.get(actor.userId)
    if (person === undefined || !this.logins.mayBeLive(actor, atMs)) return null
    return {
      room,
      loginIsLive: true,
      actor: person.member,
      actorName: person.name,
      message: null,
      replyTo: null,
      earlier: null,
      member: null,
      invitation: null,
      census: null,
    }
  }

  /** A room as it was left, found at `before`; what else was known of it still holds if nothing happened in between. */
  learn(room: KnownRoom, before: number): void {
    const { id } = room.row
    const known = this.rooms.get(id)
    const stillHolds = known?.row.head === before
    putBounded(this.rooms, id, stillHolds ? merged(known, room) : room, this.max)
  }

  /** The room has gone on from the head that is known, by messages of these senders alone. */
  advance(roomId: RoomId, heads: RoomHeads, senders: readonly UserId[]): void {
    const known = this.rooms.get(roomId)
    if (known === undefined) return
    let { count } = known
    for (const senderId of senders) {
      if (count !== null) count += 1
      const person = known.people.get(senderId)
      if (person?.sent != null) person.sent = count === null ? null : sentNext(person.sent, count)
    }
    const advanced = { row: withHeads(known.row, heads), count, people: known.people }
    putBounded(this.rooms, roomId, advanced, this.max)
  }

  forget(roomId: RoomId): void {
    this.rooms.delete(roomId)
  }
}

function isPlainSend(needs: RoomNeeds): boolean {
  for (const need in needs) if (need !== 'clientMessageId') return false
  return needs.clientMessageId !== undefined
}

/** `newer` with what it does not say taken from `older`. */
function merged(older: KnownRoom, newer: KnownRoom): KnownRoom {
  const people = new Map(older.people)
  for (const [userId, person] of newer.people)
    people.set(userId, { ...person, sent: person.sent ?? older.people.get(userId)?.sent ?? null })
  return { row: newer.row, count: newer.count ?? older.count, people }
}
