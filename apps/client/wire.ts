/**
 * The wire contract (`docs/contract.md`) as types of the client's own, so that a bundle holds nothing of the server. A test
 * holds them equal to the schemas by which the server validates.
 */

export type Role = 'owner' | 'moderator' | 'member' | 'observer'
export type RoomKind = 'direct' | 'group'
export type MediationMode = 'off' | 'advise' | 'hold'
export type PresenceState = 'online' | 'away' | 'offline'

export type User = {
  readonly id: string
  readonly email: string
  readonly displayName: string
  readonly createdAt: string
}

export type Profile = { readonly user: User; readonly mediation: 'on' | 'off' }

export type Room = {
  readonly id: string
  readonly name: string
  readonly kind: RoomKind
  readonly mediation: MediationMode
  readonly sendAnyway: boolean
  readonly optOut: boolean
  readonly headSeq: number
  readonly createdAt: string
}

/** A room in the list of its member: `unread` counts others' messages above `readSeq`. */
export type RoomStanding = {
  readonly room: Room
  readonly role: Role
  readonly readSeq: number
  readonly unread: number
}

export type Member = {
  readonly userId: string
  readonly displayName: string
  readonly role: Role
  readonly joinedAt: string
  readonly readSeq: number
}

export type Presence = {
  readonly userId: string
  readonly state: PresenceState
  readonly lastSeenAt: string | null
}

/** User ids by emoji. */
export type Reactions = { readonly [emoji: string]: readonly string[] }

export type Message = {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly senderId: string
  readonly clientMessageId: string
  /** Empty in a tombstone, which has `deletedAt`. */
  readonly text: string
  readonly threadId: string | null
  readonly threadSeq: number | null
  readonly threadBy: 'member' | 'auto' | null
  readonly replyTo: string | null
  readonly createdAt: string
  readonly editedAt: string | null
  readonly deletedAt: string | null
  readonly reactions: Reactions
  readonly flaggedBy: readonly string[]
  readonly mediation: { readonly outcome: 'clear' | 'rewritten' | 'edited' | 'sent-anyway' } | null
}

export type MessageVersion = { readonly text: string; readonly at: string }

export type Verdict = {
  readonly action: 'deliver' | 'comment' | 'hold'
  readonly risk: 'none' | 'low' | 'medium' | 'high'
  readonly patterns: readonly {
    readonly id: string
    readonly span: readonly number[]
    readonly note: string
  }[]
  readonly explanation: string
  readonly tip: string
  readonly questions: readonly string[]
  readonly rewrites: readonly string[]
  readonly source: 'local' | 'model'
  readonly policyVersion: string
}

export type Delivery = {
  readonly status: 'delivered'
  readonly message: Message
  readonly verdict: Verdict | null
}

export type Session = {
  readonly id: string
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly userAgent: string | null
  readonly current: boolean
}

export type SignedIn = {
  readonly user: User
  readonly accessToken: string
  /** Null where a cookie keeps it from the scripts of the page. */
  readonly refreshToken: string | null
  readonly expiresInS: number
}

/** What each type of event of a room's log carries. */
export type RoomEventData = {
  'message.sent': { readonly message: Message }
  'message.edited': { readonly message: Message }
  'message.deleted': { readonly messageId: string }
  'message.reacted': { readonly messageId: string; readonly reactions: Reactions }
  'message.flagged': { readonly messageId: string; readonly flaggedBy: readonly string[] }
  'member.joined': { readonly member: Member }
  'member.left': { readonly userId: string }
  'member.changed': { readonly userId: string; readonly role: Role; readonly displayName: string }
  'room.updated': { readonly room: Room }
}
export type RoomEventType = keyof RoomEventData

/** An event of a room's log. A server of a later version may send types that are not listed here. */
export type RoomEvent = {
  readonly [T in RoomEventType]: {
    readonly seq: number
    readonly type: T
    readonly at: string
    readonly actorId: string
    readonly data: RoomEventData[T]
  }
}[RoomEventType]

/** What the server sends unasked, by event name. */
export type Pushes = {
  'room:events': { readonly roomId: string; readonly events: readonly RoomEvent[] }
  'room:changed': {
    readonly roomId: string
    /** Null: no longer a member. */
    readonly role: Role | null
    readonly headSeq: number
    readonly readSeq: number
    readonly unread: number
  }
  receipt: { readonly roomId: string; readonly userId: string; readonly readSeq: number }
  presence: {
    readonly roomId: string
    readonly userId: string
    readonly state: PresenceState
    readonly at: string
  }
  typing: {
    readonly roomId: string
    readonly userId: string
    readonly typing: boolean
    readonly expiresInMs: number
  }
  'session:ended': { readonly reason: SessionEndReason; readonly retryAfterMs?: number }
}
export type PushName = keyof Pushes

export type SessionEndReason =
  | 'signed-out'
  | 'ended'
  | 'expired'
  | 'password-changed'
  | 'disabled'
  | 'draining'
  | 'too-slow'

type Empty = Readonly<Record<never, never>>
type InRoom = { readonly roomId: string }
type OfMessage = { readonly messageId: string }
type MinSeq = { readonly minSeq?: number }
type HeadSeq = { readonly headSeq: number }
type Page = MinSeq & { readonly limit?: number }

export type JoinedRoom = HeadSeq & {
  readonly room: Room
  readonly role: Role
  readonly members: readonly Member[]
  readonly presence: readonly Presence[]
  /** What came after `since`; null where that is too much, and then there is a snapshot. */
  readonly events: readonly RoomEvent[] | null
  readonly snapshot: { readonly messages: readonly Message[]; readonly threads: readonly unknown[] } | null
}

/** What a client asks for over the socket: the payload, and the data of the ack. */
export type SocketCalls = {
  'room:join': [InRoom & { readonly since?: number }, JoinedRoom]
  'room:leave': [InRoom, Empty]
  'room:sync': [
    InRoom & Page & { readonly since: number },
    HeadSeq & { readonly events: readonly RoomEvent[]; readonly hasMore: boolean },
  ]
  'message:send': [
    InRoom & {
      readonly clientMessageId: string
      readonly text: string
      readonly threadId?: string
      readonly replyTo?: string
    },
    Delivery,
  ]
  'message:edit': [OfMessage & { readonly text: string }, Delivery]
  'message:delete': [OfMessage, { readonly message: Message }]
  'message:react': [
    OfMessage & { readonly emoji: string; readonly on: boolean },
    { readonly message: Message },
  ]
  'message:flag': [
    OfMessage & { readonly on: boolean; readonly reason?: string },
    { readonly message: Message },
  ]
  'message:read': [InRoom & { readonly seq: number }, Empty]
  'message:list': [
    InRoom & Page & { readonly before?: number; readonly after?: number; readonly threadId?: string },
    HeadSeq & { readonly messages: readonly Message[]; readonly hasMore: boolean },
  ]
  'message:around': [
    OfMessage & Page,
    HeadSeq & { readonly messages: readonly Message[]; readonly targetMessageId: string },
  ]
  'message:search': [
    InRoom & Page & { readonly q: string; readonly cursor?: string },
    HeadSeq & { readonly messages: readonly Message[]; readonly nextCursor: string | null },
  ]
  'typing:set': [InRoom & { readonly typing: boolean }, Empty]
  'presence:set': [{ readonly state: 'online' | 'away' }, Empty]
  'auth:renew': [{ readonly token: string }, { readonly expiresInS: number }]
}
export type SocketCall = keyof SocketCalls
export type Payload<C extends SocketCall> = SocketCalls[C][0]
export type Answer<C extends SocketCall> = SocketCalls[C][1]

export type WireErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'VALIDATION_FAILED'
  | 'CONFLICT'
  | 'TOO_LARGE'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'INTERNAL'

export type WireError = {
  readonly code: WireErrorCode
  readonly message: string
  readonly details?: readonly { readonly path: string; readonly message: string }[]
  readonly retryAfterMs?: number
}

export type Ack<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly error: WireError }
