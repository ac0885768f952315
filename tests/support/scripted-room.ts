import { ParleyError } from '../../apps/client/errors.js'
import type { JoinedRoom, Member, Message, Room, RoomEvent } from '../../apps/client/wire.js'

const AT = '2026-01-01T00:00:00.000Z'

export const ROOM = 'room-1'
export const SELF = 'user-self'
export const OTHER = 'user-other'

type Sync = { readonly events: readonly RoomEvent[]; readonly headSeq: number; readonly hasMore: boolean }

/** A room as the server has it, small enough to be right by looking at it. */
export class ScriptedRoom {
  readonly log: RoomEvent[] = []
  readonly messages = new Map<string, Message>()
  private members: Member[] = []
  private name = 'A room'

  constructor(private readonly snapshotSize = 50) {
    for (const userId of [SELF, OTHER]) this.join(userId)
  }

  get headSeq(): number {
    return this.log.length
  }

  join(userId: string): RoomEvent {
    const member: Member = { userId, displayName: userId, role: 'member', joinedAt: AT, readSeq: 0 }
    this.members = [...this.members, member]
    return this.add('member.joined', { member }, userId)
  }

  remove(userId: string): RoomEvent {
    this.members = this.members.filter((member) => member.userId !== userId)
    return this.add('member.left', { userId }, OTHER)
  }

  send(text: string, senderId = OTHER, clientMessageId = `c-${text}`): RoomEvent {
    const message: Message = {
      id: `m-${this.headSeq + 1}`,
      roomId: ROOM,
      seq: this.headSeq + 1,
      senderId,
      clientMessageId,
      text,
      threadId: null,
      threadSeq: null,
      threadBy: null,
      replyTo: null,
      createdAt: AT,
      editedAt: null,
      deletedAt: null,
      reactions: {},
      flaggedBy: [],
      mediation: null,
    }
    this.messages.set(message.id, message)
    return this.add('message.sent', { message }, senderId)
  }

  rename(name: string): RoomEvent {
    this.name = name
    return this.add('room.updated', { room: this.room })
  }

  edit(id: string, text: string): RoomEvent {
    return this.add('message.edited', { message: this.change(id, { text, editedAt: AT }) })
  }

  delete(id: string): RoomEvent {
    this.change(id, { text: '', deletedAt: AT })
    return this.add('message.deleted', { messageId: id })
  }

  react(id: string, emoji: string): RoomEvent {
    const { reactions } = this.change(id, { reactions: { [emoji]: [OTHER] } })
    return this.add('message.reacted', { messageId: id, reactions })
  }

  /** Of a later version of the server. */
  unheardOf(): RoomEvent {
    return this.add('room.painted', { colour: 'green' })
  }

  /** As `room:join` answers. */
  joined(since?: number): JoinedRoom {
    if (!this.members.some(({ userId }) => userId === SELF)) throw notFound()
    const { headSeq, members } = this
    const base = { room: this.room, role: 'member' as const, members, presence: [], headSeq }
    if (since !== undefined && since <= headSeq && headSeq - since <= 500)
      return { ...base, events: this.replay(since), snapshot: null }
    const messages = [...this.messages.values()].slice(-this.snapshotSize)
    return { ...base, events: null, snapshot: { messages, threads: [] } }
  }

  /** As `room:sync` answers. */
  sync(since: number, limit = 500): Sync {
    if (!this.members.some(({ userId }) => userId === SELF)) throw notFound()
    const events = this.replay(since).slice(0, limit)
    return { events, headSeq: this.headSeq, hasMore: since + events.length < this.headSeq }
  }

  /** Text is filled in when the log is read. */
  private replay(since: number): RoomEvent[] {
    return this.log.slice(since).map((event) => {
      if (event.type !== 'message.sent' && event.type !== 'message.edited') return event
      return { ...event, data: { message: this.messages.get(event.data.message.id) ?? event.data.message } }
    })
  }

  private get room(): Room {
    return {
      id: ROOM,
      name: this.name,
      kind: 'group',
      mediation: 'off',
      sendAnyway: true,
      optOut: false,
      headSeq: this.headSeq,
      createdAt: AT,
    }
  }

  private change(id: string, change: Partial<Message>): Message {
    const message = this.messages.get(id)
    if (message === undefined) throw new Error(`there is no ${id}`)
    const next = { ...message, ...change }
    this.messages.set(id, next)
    return next
  }

  private add(type: string, data: object, actorId = OTHER): RoomEvent {
    const event = { seq: this.headSeq + 1, type, at: AT, actorId, data } as unknown as RoomEvent
    this.log.push(event)
    return event
  }
}

const notFound = (): ParleyError => new ParleyError('NOT_FOUND', 'There is no such room.')
