import type { Actor } from '../domain/account.js'
import type { MessageId, RoomId, UserId } from '../domain/ids.js'
import type { Invitation } from '../domain/invitation.js'
import type { Message } from '../domain/message.js'
import type { Refusal } from '../domain/refusal.js'
import type { Result } from '../domain/result.js'
import type { Member, Room } from '../domain/room.js'
import type { RoomChange, RoomCommit, RoomEvent } from '../domain/room-event.js'

/** Which facts, besides the room and the actor, a decision needs. Ids must be well-formed (`isId`). */
export type RoomNeeds = {
  /** Must lie in the room to be found. */
  readonly messageId?: MessageId
  readonly replyTo?: MessageId
  /** An earlier message of the actor in this room. */
  readonly clientMessageId?: string
  readonly memberId?: UserId
  readonly invitationCode?: string
  /** How many owners, and how many who are not observers. */
  readonly census?: true
}

/** What is so at the moment of the write, read with the room locked. What was not asked for is null. */
export type RoomFacts = {
  readonly room: Room
  /** False once the actor's login has ended or expired, or the account is disabled; true for an actor without a login. */
  readonly loginIsLive: boolean
  /** The actor's own membership. */
  readonly actor: Member | null
  readonly actorName: string
  readonly message: Message | null
  readonly replyTo: Message | null
  readonly earlier: { readonly message: Message; readonly submittedDigest: string } | null
  readonly member: Member | null
  readonly invitation: Invitation | null
  readonly census: { readonly owners: number; readonly participants: number } | null
}

export type RoomDecision<A> = {
  /** Appended in this order; none = nothing is written. */
  readonly changes: readonly RoomChange[]
  /** Makes the answer from the events that the changes became. */
  readonly answer: (events: readonly RoomEvent[]) => A
}

export type RoomWrite<A> = {
  readonly roomId: RoomId
  readonly actor: Actor
  readonly atMs: number
  readonly needs: RoomNeeds
  /**
   * What this write reads and changes besides the log: writes of one room with different keys may be committed together,
   * all others go one after the other. `room` = members, settings or anything else.
   */
  readonly touches: `client:${string}` | `message:${string}` | 'room'
  /** Pure; called once or, when a transaction is repeated, several times. */
  readonly decide: (facts: RoomFacts) => Result<RoomDecision<A>, Refusal>
}

export type EventPage = {
  readonly events: readonly RoomEvent[]
  readonly headSeq: number
  readonly hasMore: boolean
}

/**
 * The log of each room: the one way to change a room. What `write` has answered is committed; what it refused or threw away
 * left no trace, and no hole in `seq`.
 */
export interface RoomLogPort {
  /**
   * Decides and commits, in one transaction in which nothing else changes the room. NOT_FOUND where there is no such room.
   * Throws PortUnavailable (with `retryAfterMs`) when it cannot commit now; the outcome is then unknown, and repeating safe
   * for what carries a client id.
   */
  write<A>(write: RoomWrite<A>): Promise<Result<A, Refusal>>
  /** Events after `since`, ascending, filled with the present state of what they name. Null where there is no such room. */
  read(roomId: RoomId, since: number, limit: number): Promise<EventPage | null>
  /** Told of each commit of this process, once a room, in order, before the writes in it are answered. One that throws hinders nobody. */
  onCommitted(listener: (commit: RoomCommit) => void): void
}
