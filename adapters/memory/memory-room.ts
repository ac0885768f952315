import type { MessageId, UserId } from '../../core/domain/ids.js'
import {
  edited,
  type Message,
  type MessageVersion,
  mediationOf,
  tombstone,
} from '../../core/domain/message.js'
import type { Role } from '../../core/domain/role.js'
import type { Member, Room, RoomHeads } from '../../core/domain/room.js'
import {
  type RoomChange,
  type RoomCommit,
  type RoomEvent,
  raise,
  toRoomEvent,
} from '../../core/domain/room-event.js'
import { frozen } from './freeze.js'
import { filled, type LogRow, type Present, rowOf } from './log-row.js'

export type StoredMessage = {
  message: Message
  readonly submittedDigest: string
  /** Erased on deletion. */
  versions: readonly MessageVersion[]
}

type Membership = { readonly role: Role; readonly joinedAtMs: number; readonly readSeq: number }

type RoomFields = Omit<Room, 'headSeq'>

const EMPTY: RoomHeads = { head: 0, messages: 0, threads: 0, members: 0 }

const clientKey = (senderId: UserId, clientMessageId: string) => `${senderId} ${clientMessageId}`

/** One room with everything in it. Every method is synchronous, so that nothing comes between its steps. */
export class MemoryRoom implements Present {
  heads = EMPTY
  private fields: RoomFields
  private readonly rows: LogRow[] = []
  /** Ascending by seq. */
  private readonly messages: StoredMessage[] = []
  private readonly byId = new Map<MessageId, StoredMessage>()
  private readonly byClientId = new Map<string, StoredMessage>()
  private readonly memberships = new Map<UserId, Membership>()
  private readonly formerReadSeqs = new Map<UserId, number>()

  constructor(
    fields: RoomFields,
    /** Throws where there is no such user. */
    readonly displayName: (userId: UserId) => string,
  ) {
    this.fields = frozen(fields)
  }

  get room(): Room {
    return frozen({ ...this.fields, headSeq: this.heads.head })
  }

  isMember(userId: UserId): boolean {
    return this.memberships.has(userId)
  }

  wasMember(userId: UserId): boolean {
    return this.formerReadSeqs.has(userId)
  }

  member(userId: UserId): Member | null {
    const membership = this.memberships.get(userId)
    if (membership === undefined) return null
    return frozen({ userId, displayName: this.displayName(userId), ...membership })
  }

  /** In order of joining. */
  members(): readonly Member[] {
    return [...this.memberships.keys()].flatMap((userId) => this.member(userId) ?? [])
  }

  message(messageId: MessageId): Message | null {
    return this.byId.get(messageId)?.message ?? null
  }

  versions(messageId: MessageId): readonly MessageVersion[] {
    return this.byId.get(messageId)?.versions ?? []
  }

  earlier(senderId: UserId, clientMessageId: string) {
    const stored = this.byClientId.get(clientKey(senderId, clientMessageId))
    return stored === undefined ? null : { message: stored.message, submittedDigest: stored.submittedDigest }
  }

  /** Messages with `from` <= seq < `to`, ascending. */
  between(from: number, to: number): readonly Message[] {
    return this.messages.slice(this.placeOf(from), this.placeOf(to)).map(({ message }) => message)
  }

  readSeq(userId: UserId): number {
    return this.memberships.get(userId)?.readSeq ?? this.formerReadSeqs.get(userId) ?? 0
  }

  unread(userId: UserId): number {
    const above = this.between(this.readSeq(userId) + 1, Number.POSITIVE_INFINITY)
    return above.filter(({ senderId, deletedAtMs }) => senderId !== userId && deletedAtMs === null).length
  }

  markRead(userId: UserId, seq: number): { readonly readSeq: number; readonly moved: boolean } | null {
    const membership = this.memberships.get(userId)
    if (membership === undefined) return null
    const readSeq = Math.max(membership.readSeq, Math.min(seq, this.heads.head))
    this.memberships.set(userId, { ...membership, readSeq })
    return { readSeq, moved: readSeq > membership.readSeq }
  }

  /** Up to `limit` events after `since`, filled with the present state of what they name. */
  eventsAfter(since: number, limit: number): readonly RoomEvent[] {
    const from = Math.max(0, since)
    return this.rows.slice(from, from + limit).map((row) => frozen(filled(row, this)))
  }

  /** What appending would make, without doing it. Throws where a change names something that is not there. */
  draftCommit(changes: readonly RoomChange[], actorId: UserId, atMs: number): RoomCommit {
    const clientKeys = changes.flatMap((change) => this.checked(change))
    if (new Set(clientKeys).size < clientKeys.length) throw new Error('a client id occurs twice in one write')
    let heads = this.heads
    const events = changes.map((change) => {
      heads = raise(heads, change.type, heads.head + 1)
      return toRoomEvent(change, { seq: heads.head, atMs, actorId })
    })
    return frozen({ roomId: this.fields.id, heads, events })
  }

  append(changes: readonly RoomChange[], commit: RoomCommit): void {
    for (const [index, event] of commit.events.entries()) {
      const change = changes[index]
      if (change === undefined) continue
      this.apply(change, event)
      this.rows.push(rowOf(change, event))
    }
    this.heads = commit.heads
  }

  private checked(change: RoomChange): readonly string[] {
    if (change.type === 'message.sent') {
      const key = clientKey(change.draft.senderId, change.draft.clientMessageId)
      if (this.byClientId.has(key) || this.byId.has(change.draft.id))
        throw new Error('a message occurs twice')
      return [key]
    }
    if (change.type === 'member.joined') this.displayName(change.member.userId)
    if ('message' in change && !this.byId.has(change.message.id)) throw new Error('there is no such message')
    return []
  }

  private apply(change: RoomChange, event: RoomEvent): void {
    switch (change.type) {
      case 'message.sent':
        if (event.type === 'message.sent') this.store(event.data.message, change.draft.submittedDigest)
        return
      case 'member.joined': {
        const { userId, role, joinedAtMs, readSeq } = change.member
        this.memberships.delete(userId)
        this.memberships.set(userId, { role, joinedAtMs, readSeq })
        this.formerReadSeqs.delete(userId)
        return
      }
      case 'member.left':
        this.formerReadSeqs.set(change.userId, this.readSeq(change.userId))
        this.memberships.delete(change.userId)
        return
      case 'member.changed': {
        const membership = this.memberships.get(change.userId)
        if (membership !== undefined)
          this.memberships.set(change.userId, { ...membership, role: change.role })
        return
      }
      case 'room.updated': {
        const { headSeq: _, ...fields } = change.room
        this.fields = frozen(fields)
        return
      }
      default:
        this.applyToMessage(change, event.atMs)
    }
  }

  private store(message: Message, submittedDigest: string): void {
    const versions = frozen([{ text: message.text, atMs: message.createdAtMs }])
    const stored = { message, submittedDigest, versions }
    this.messages.push(stored)
    this.byId.set(message.id, stored)
    this.byClientId.set(clientKey(message.senderId, message.clientMessageId), stored)
  }

  private applyToMessage(change: Extract<RoomChange, { message: Message }>, atMs: number): void {
    const stored = this.byId.get(change.message.id)
    if (stored === undefined) return
    switch (change.type) {
      case 'message.edited': {
        const mediation = mediationOf(change.deliveredUnder)
        stored.message = frozen({ ...edited(stored.message, change.text, atMs), mediation })
        stored.versions = frozen([...stored.versions, { text: change.text, atMs }])
        return
      }
      case 'message.deleted':
        stored.message = frozen(tombstone(stored.message, atMs))
        stored.versions = []
        return
      case 'message.reacted':
        stored.message = frozen({ ...stored.message, reactions: change.message.reactions })
        return
      case 'message.flagged':
        stored.message = frozen({ ...stored.message, flaggedBy: change.message.flaggedBy })
    }
  }

  /** Index of the first message with at least `seq`. */
  private placeOf(seq: number): number {
    let low = 0
    let high = this.messages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.messages[middle]?.message.seq ?? 0) < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
