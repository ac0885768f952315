import type { ParleyError } from './errors.js'
import type {
  Answer,
  Delivery,
  MediationMode,
  Member,
  Message,
  Payload,
  Presence,
  Profile,
  Role,
  Room,
  RoomKind,
  RoomStanding,
  Session,
  SessionEndReason,
  SocketCall,
  User,
} from './wire.js'

/** A value that changes. Both functions may be handed to React's `useSyncExternalStore` as they are. */
export interface Observable<T> {
  /** Calls back after each change; answers how to stop. */
  readonly subscribe: (onChange: () => void) => () => void
  /** Never changed in place: another object after each change, the same one in between. */
  readonly getSnapshot: () => T
}

export type SignOutReason =
  | Exclude<SessionEndReason, 'draining' | 'too-slow'>
  /** Another tab has signed someone else in. */
  | 'replaced'

export type SessionSnapshot =
  | { readonly status: 'signed-in'; readonly user: User; readonly reason: null }
  /** `reason` says why a login ended; null before the first one. */
  | { readonly status: 'signed-out'; readonly user: null; readonly reason: SignOutReason | null }

export type ConnectionSnapshot = {
  /** `idle`: nobody is signed in. `waiting`: until the next attempt. */
  readonly status: 'idle' | 'connecting' | 'online' | 'waiting'
  /** The server that it is or was connected to. */
  readonly url: string | null
  /** Attempts since the last connection that held. */
  readonly attempt: number
  readonly error: ParleyError | null
}

export type OutboxItem = {
  readonly clientMessageId: string
  readonly roomId: string
  readonly text: string
  readonly threadId: string | null
  readonly replyTo: string | null
  readonly createdAtMs: number
  /** `delivered`: acked, and not yet seen in the room. `failed`: refused, and kept until `retry` or `discard`. */
  readonly state: 'queued' | 'sending' | 'delivered' | 'failed'
  /** Why it failed, or why the last attempt did. */
  readonly error: ParleyError | null
  /** An attempt ended without an answer: a failed message with this mark may be stored all the same. */
  readonly uncertain: boolean
}

/** How a message ended. `elsewhere`: another tab has sent or discarded it. `kept`: the client was closed, the next one goes on. */
export type SendOutcome =
  | Delivery
  | { readonly status: 'failed'; readonly error: ParleyError; readonly uncertain: boolean }
  | { readonly status: 'discarded' | 'elsewhere' | 'kept' }

/** A message that is stored in the outbox. */
export type Outgoing = {
  readonly clientMessageId: string
  /** Never rejects. */
  readonly outcome: Promise<SendOutcome>
}

export type SendOptions = {
  readonly threadId?: string
  readonly replyTo?: string
  /** To be given where the caller knows its own; by default a new one. */
  readonly clientMessageId?: string
}

export interface Outbox extends Observable<readonly OutboxItem[]> {
  /**
   * Resolves once the message is stored; from then on it is sent until the server answers, over all reconnections and
   * reloads, in order within its room.
   */
  send(roomId: string, text: string, options?: SendOptions): Promise<Outgoing>
  /** Tries a failed message again, after the others of its room. */
  retry(clientMessageId: string): Promise<void>
  /** Drops a message. One that is being sent may be stored by the server all the same. */
  discard(clientMessageId: string): Promise<void>
}

export type RoomSnapshot = {
  readonly roomId: string
  /**
   * `joining`: nothing is known yet. `live`: everything up to `headSeq` is here. `behind`: events are missing and being
   * fetched, or there is no connection. `ended`: no longer a member, or refused; open the room again to try anew.
   */
  readonly status: 'joining' | 'live' | 'behind' | 'ended'
  /** Why it ended: null where the user left or was removed. Before that, why the last attempt to join failed. */
  readonly error: ParleyError | null
  readonly room: Room | null
  readonly role: Role | null
  readonly members: readonly Member[]
  readonly presence: readonly Presence[]
  /** Every event up to this seq is in this snapshot, and none beyond. */
  readonly headSeq: number
  /** Ascending by `seq`, without a gap from the first one to the newest. Tombstones have `deletedAt`. */
  readonly messages: readonly Message[]
  /** There may be older messages: `loadOlder`. */
  readonly hasOlder: boolean
  /** The user's own messages that are not in `messages` yet, in the order in which they will be sent. */
  readonly outgoing: readonly OutboxItem[]
  /** Who is typing, without the user. */
  readonly typing: readonly string[]
}

/** A room that is kept up to date for as long as it is open. */
export interface RoomHandle extends Observable<RoomSnapshot> {
  readonly roomId: string
  /** Resolves when the room is live or has ended; rejects when neither is so within the deadline. */
  ready(): Promise<RoomSnapshot>
  send(text: string, options?: SendOptions): Promise<Outgoing>
  /** Resolves with the ack; the snapshot changes with the event. Not repeated where the first attempt may have had its effect. */
  edit(messageId: string, text: string): Promise<Delivery>
  delete(messageId: string): Promise<Message>
  react(messageId: string, emoji: string, on?: boolean): Promise<Message>
  flag(messageId: string, on?: boolean, reason?: string): Promise<Message>
  /** Moves the user's read marker, by default to the newest event seen. */
  markRead(seq?: number): Promise<void>
  /** Tells the others, at most every few seconds. Best effort. */
  setTyping(typing: boolean): void
  /** Adds a page of older messages to the snapshot; answers whether there may be more. */
  loadOlder(limit?: number): Promise<boolean>
  search(
    q: string,
    options?: { readonly cursor?: string; readonly limit?: number },
  ): Promise<Answer<'message:search'>>
  around(messageId: string, limit?: number): Promise<Answer<'message:around'>>
  /** To be called once for each `openRoom`; with the last one the room is left to itself. */
  close(): void
}

export type RoomListSnapshot = {
  readonly status: 'unloaded' | 'loading' | 'loaded'
  /** Newest first. */
  readonly rooms: readonly RoomStanding[]
  readonly error: ParleyError | null
}

/** The rooms of the user. Kept up to date from the first `load` on. */
export interface RoomList extends Observable<RoomListSnapshot> {
  load(): Promise<void>
}

export type NewRoom = {
  readonly name: string
  readonly kind?: RoomKind
  readonly mediation?: MediationMode
  readonly sendAnyway?: boolean
  readonly optOut?: boolean
}

export type RequestOptions = {
  readonly deadlineMs?: number
  /** Repeat it until the deadline after an attempt that may have had its effect; for requests that are safe to repeat. */
  readonly repeat?: boolean
}

/**
 * One user's connection to a Parley server. It renews its login, reconnects, joins its rooms again and closes gaps by itself.
 * A failed network never signs anyone out; only the server's word does.
 */
export interface ParleyClient {
  readonly session: Observable<SessionSnapshot>
  readonly connection: Observable<ConnectionSnapshot>
  readonly outbox: Outbox
  readonly rooms: RoomList

  signUp(account: {
    readonly email: string
    readonly password: string
    readonly displayName: string
  }): Promise<User>
  signIn(credentials: { readonly email: string; readonly password: string }): Promise<User>
  /** Takes up the login that the storage holds, without waiting for the network; null where there is none. */
  resume(): Promise<User | null>
  /** Ends the login here at once and, if it can be reached, on the server. Unsent messages stay for the user's next login. */
  signOut(options?: { readonly discardOutbox?: boolean }): Promise<void>

  profile(): Promise<Profile>
  updateProfile(change: {
    readonly displayName?: string
    readonly mediation?: 'on' | 'off'
  }): Promise<Profile>
  sessions(): Promise<readonly Session[]>
  endSession(sessionId: string): Promise<void>

  /** Joins a room and keeps it up to date. The same handle for the same room, until it is closed as often as opened. */
  openRoom(roomId: string): RoomHandle
  createRoom(room: NewRoom): Promise<Room>
  updateRoom(roomId: string, change: Omit<Partial<NewRoom>, 'kind'>): Promise<Room>
  invite(
    roomId: string,
    invitation?: { readonly role?: Role; readonly expiresInS?: number; readonly maxUses?: number },
  ): Promise<{ readonly code: string; readonly expiresAt: string }>
  revokeInvitation(roomId: string, code: string): Promise<void>
  acceptInvitation(code: string): Promise<Room>
  /** Removing oneself is leaving. */
  removeMember(roomId: string, userId: string): Promise<void>
  changeRole(roomId: string, userId: string, role: Role): Promise<Member>
  setPresence(state: 'online' | 'away'): Promise<void>

  /** Any event of the contract: waits for the connection, and for the ack. */
  request<C extends SocketCall>(call: C, payload: Payload<C>, options?: RequestOptions): Promise<Answer<C>>
  /** Any route below `/api/v1`, such as `GET /rooms`, with a valid token. */
  http<T>(route: string, body?: unknown, options?: RequestOptions): Promise<T>

  /** Leaves the connection for a new one, to the URL as it is by then. */
  reconnect(): void
  /** Ends everything here, not the login: timers, sockets and waits. Unsent messages stay in the storage. */
  close(): Promise<void>
}
