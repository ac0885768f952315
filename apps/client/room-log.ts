import type { JoinedRoom, Member, Message, Role, Room, RoomEvent } from './wire.js'

/** A message with the seq at which it was read: events up to that are in it already. */
type Entry = { readonly message: Message; readonly asOfSeq: number }

/**
 * A room as it is at `headSeq`: what a snapshot held, and every event after it, one after the other. Older messages join it page
 * by page.
 */
export class RoomLog {
  headSeq = 0
  room: Room | null = null
  role: Role | null = null
  hasOlder = false
  /** Grows when the messages begin anew, so that an older page under way is not put before them. */
  generation = 0
  private members = new Map<string, Member>()
  private messages: Entry[] = []
  private readonly byId = new Map<string, Entry>()
  /** By the ids that the user's devices gave their messages. */
  private readonly ownIds = new Set<string>()
  /** What came since older messages were asked for, and may be about them. */
  private recent: RoomEvent[] | null = null
  private shownMessages: readonly Message[] | null = null
  private shownMembers: readonly Member[] | null = null

  constructor(
    private readonly userId: string,
    private readonly messagesKept: number,
  ) {}

  get isStarted(): boolean {
    return this.room !== null
  }

  /** The user's message with this id is among the messages. */
  holdsOwn(clientMessageId: string): boolean {
    return this.ownIds.has(clientMessageId)
  }

  get oldestSeq(): number {
    return this.messages[0]?.message.seq ?? this.headSeq + 1
  }

  /** The same list for as long as nothing in it changes; so with the members. */
  listMessages(): readonly Message[] {
    this.shownMessages ??= this.messages.map(({ message }) => message)
    return this.shownMessages
  }

  listMembers(): readonly Member[] {
    this.shownMembers ??= [...this.members.values()]
    return this.shownMembers
  }

  reset(answer: JoinedRoom, messages: readonly Message[], pageSize: number): void {
    this.generation += 1
    this.headSeq = answer.headSeq
    this.messages = []
    this.shownMessages = null
    this.byId.clear()
    this.ownIds.clear()
    this.recent = null
    for (const message of messages) this.append(message)
    this.hasOlder = messages.length >= pageSize
    this.adopt(answer)
  }

  /** Takes what an answer at the present head says of the room; an older one only moves read markers. */
  adopt({ room, role, members, headSeq }: JoinedRoom): void {
    if (headSeq === this.headSeq) {
      const before = this.members
      this.room = room
      this.role = role
      this.members = new Map(members.map((member) => [member.userId, member]))
      this.shownMembers = null
      for (const { userId, readSeq } of before.values()) this.markRead(userId, readSeq)
    } else for (const { userId, readSeq } of members) this.markRead(userId, readSeq)
  }

  markRead(userId: string, readSeq: number): boolean {
    const member = this.members.get(userId)
    if (member === undefined || readSeq <= member.readSeq) return false
    this.members.set(userId, { ...member, readSeq })
    this.shownMembers = null
    return true
  }

  hasMember(userId: string): boolean {
    return this.members.has(userId)
  }

  readSeqOf(userId: string): number {
    return this.members.get(userId)?.readSeq ?? 0
  }

  /** The one event after the head. A type that this version does not know only moves the head. */
  apply(event: RoomEvent): void {
    this.headSeq = event.seq
    if (this.room !== null) this.room = { ...this.room, headSeq: event.seq }
    this.recent?.push(event)
    switch (event.type) {
      case 'message.sent':
        this.append(event.data.message)
        break
      case 'room.updated':
        this.room = { ...event.data.room, headSeq: event.seq }
        break
      case 'member.joined':
      case 'member.left':
      case 'member.changed':
        this.applyToMembers(event)
        break
      default:
        this.applyToMessage(event)
    }
  }

  /** From now on events are remembered for `prepend`. */
  expectOlder(): void {
    this.recent ??= []
  }

  /** No page comes after all. */
  forgetOlder(): void {
    this.recent = null
  }

  /** Puts a page, read at `headSeq`, before the oldest message. */
  prepend(page: readonly Message[], headSeq: number, hasOlder: boolean): void {
    const oldest = this.oldestSeq
    const entries = page
      .filter(({ id, seq }) => seq < oldest && !this.byId.has(id))
      .map((message) => ({ message, asOfSeq: headSeq }))
    for (const entry of entries) this.index(entry)
    this.messages = [...entries, ...this.messages]
    this.shownMessages = null
    this.hasOlder = hasOlder
    const { recent } = this
    this.recent = null
    for (const event of recent ?? []) this.applyToMessage(event)
  }

  private append(message: Message): void {
    if (this.byId.has(message.id)) return
    const entry = { message, asOfSeq: message.seq }
    this.index(entry)
    this.messages.push(entry)
    this.shownMessages = null
    // Somewhat more at a time, so that not every new message moves them all.
    if (this.messages.length <= this.messagesKept * 1.1) return
    const dropped = this.messages.splice(0, this.messages.length - this.messagesKept)
    for (const { message: old } of dropped) {
      this.byId.delete(old.id)
      this.ownIds.delete(old.clientMessageId)
    }
    this.hasOlder = true
    this.generation += 1
  }

  private index(entry: Entry): void {
    const { id, senderId, clientMessageId } = entry.message
    this.byId.set(id, entry)
    if (senderId === this.userId) this.ownIds.add(clientMessageId)
  }

  private applyToMembers(event: Extract<RoomEvent, { type: `member.${string}` }>): void {
    this.shownMembers = null
    if (event.type === 'member.joined') {
      const { member } = event.data
      // In order of joining.
      this.members.delete(member.userId)
      this.members.set(member.userId, member)
    } else if (event.type === 'member.left') this.members.delete(event.data.userId)
    else {
      const { userId, role, displayName } = event.data
      const member = this.members.get(userId)
      if (member !== undefined) this.members.set(userId, { ...member, role, displayName })
    }
    this.role = this.members.get(this.userId)?.role ?? this.role
  }

  private applyToMessage(event: RoomEvent): void {
    const change = messageChange(event)
    if (change !== null) this.change(change.id, event.seq, change.changed)
  }

  /** A message that is not here is older than the oldest; its page will bring it as it is by then. */
  private change(id: string, seq: number, changed: (message: Message) => Message): void {
    const entry = this.byId.get(id)
    if (entry === undefined || seq <= entry.asOfSeq) return
    const next = { message: changed(entry.message), asOfSeq: seq }
    this.byId.set(id, next)
    this.messages[this.positionOf(entry.message.seq)] = next
    this.shownMessages = null
  }

  /** They stand in ascending order of seq. */
  private positionOf(seq: number): number {
    let low = 0
    let high = this.messages.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.messages[middle]?.message.seq ?? 0) < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}

type MessageChange = { readonly id: string; readonly changed: (message: Message) => Message }

/** What an event does to a message that is there already; null where it is about something else. */
function messageChange(event: RoomEvent): MessageChange | null {
  switch (event.type) {
    case 'message.edited': {
      const { message } = event.data
      return { id: message.id, changed: () => message }
    }
    case 'message.deleted': {
      const { messageId: id } = event.data
      return { id, changed: (message) => ({ ...message, text: '', deletedAt: event.at }) }
    }
    case 'message.reacted': {
      const { messageId: id, reactions } = event.data
      return { id, changed: (message) => ({ ...message, reactions }) }
    }
    case 'message.flagged': {
      const { messageId: id, flaggedBy } = event.data
      return { id, changed: (message) => ({ ...message, flaggedBy }) }
    }
    default:
      return null
  }
}
