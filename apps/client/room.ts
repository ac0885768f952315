import type { ParleyError } from './errors.js'
import type { Heads } from './heads.js'
import type { Link } from './link.js'
import type { Environment } from './options.js'
import type { Requests } from './requests.js'
import { RoomFeed } from './room-feed.js'
import { RoomLog } from './room-log.js'
import { callSafely } from './store.js'
import type { Outbox, OutboxItem, Outgoing, RoomHandle, RoomSnapshot, SendOptions } from './types.js'
import { Typing } from './typing.js'
import { tooLate } from './waiting.js'
import type {
  Answer,
  Delivery,
  JoinedRoom,
  Message,
  Presence,
  Pushes,
  PushName,
  Room,
  RoomEvent,
} from './wire.js'

export type RoomParts = {
  readonly roomId: string
  readonly userId: string
  readonly link: Link
  readonly heads: Heads
  readonly requests: Requests
  readonly outbox: Outbox
  readonly environment: Environment
  readonly deadlineMs: number
  readonly messagesKept: number
  /** The room was joined, or has other settings now. */
  readonly onRoom: (room: Room) => void
  /** The app has closed the handle. */
  readonly onClose: () => void
}

const PAGE = 50
/** The server forgets who is typing after a few seconds; said again before that. */
const TYPING_EVERY_MS = 3_000

/** What an open room shows, and what can be done in it. */
export class OpenRoom implements RoomHandle {
  readonly roomId: string
  private readonly log: RoomLog
  private readonly feed: RoomFeed
  private readonly typing: Typing
  private presence = new Map<string, Presence>()
  /** Presence that was pushed since the join was asked for is newer than its answer. */
  private presenceSinceJoin = new Map<string, Presence>()
  /** Acked, and not in the log yet. */
  private readonly delivered = new Map<string, OutboxItem & { readonly seq: number }>()
  private readonly listeners = new Set<{ readonly onChange: () => void }>()
  private readonly stopOutbox: () => void
  private snapshot: RoomSnapshot | null = null
  private error: ParleyError | null = null
  private loadingOlder: Promise<boolean> | null = null
  private typingSaidMs = Number.NEGATIVE_INFINITY

  constructor(private readonly parts: RoomParts) {
    const { roomId, userId, environment, messagesKept, outbox } = parts
    this.roomId = roomId
    this.log = new RoomLog(userId, messagesKept)
    this.typing = new Typing(environment, () => this.changed())
    this.feed = new RoomFeed({
      ...parts,
      log: this.log,
      onChange: (applied) => this.advanced(applied),
      onJoined: (answer) => this.joined(answer),
      onEnded: (error) => this.ended(error),
    })
    this.stopOutbox = outbox.subscribe(() => this.changed())
    if (parts.link.online) this.enter()
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    const listener = { onChange }
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  readonly getSnapshot = (): RoomSnapshot => {
    this.snapshot ??= this.build()
    return this.snapshot
  }

  // What the client tells the room.

  enter(): void {
    this.presenceSinceJoin = new Map()
    this.feed.enter()
  }

  leave(): void {
    this.typing.clear()
    this.feed.leave()
  }

  receive<N extends PushName>(name: N, payload: Pushes[N]): void {
    const { userId } = this.parts
    if (name === 'room:events') this.feed.receive((payload as Pushes['room:events']).events)
    else if (name === 'receipt') {
      const receipt = payload as Pushes['receipt']
      if (this.log.markRead(receipt.userId, receipt.readSeq)) this.changed()
    } else if (name === 'presence') {
      const { at, state, userId: whose } = payload as Pushes['presence']
      const presence = { userId: whose, state, lastSeenAt: at }
      this.presenceSinceJoin.set(whose, presence)
      this.presence.set(whose, presence)
      this.changed()
    } else if (name === 'typing') {
      const { userId: who, typing, expiresInMs } = payload as Pushes['typing']
      if (who !== userId) this.typing.set(who, typing, expiresInMs)
    } else if (name === 'room:changed') this.feed.check((payload as Pushes['room:changed']).role === null)
  }

  /** An own message is committed; its event may have come already, or come later. */
  acked(message: Message, item: OutboxItem | undefined): void {
    if (message.seq > this.log.headSeq && item !== undefined)
      this.delivered.set(item.clientMessageId, { ...item, state: 'delivered', error: null, seq: message.seq })
    this.feed.check()
  }

  dispose(error: ParleyError): void {
    if (this.feed.isEnded) return
    this.feed.close()
    this.ended(error)
  }

  // What the app does.

  async ready(): Promise<RoomSnapshot> {
    const { environment, deadlineMs } = this.parts
    const isReady = (): boolean => /live|ended/.test(this.getSnapshot().status)
    if (isReady()) return this.getSnapshot()
    return new Promise((resolve, reject) => {
      const stop = this.subscribe(() => {
        if (!isReady()) return
        environment.clearTimeout(timer)
        stop()
        resolve(this.getSnapshot())
      })
      const timer = environment.setTimeout(() => {
        stop()
        reject(this.feed.lastError ?? tooLate('the room', false))
      }, deadlineMs)
    })
  }

  send(text: string, options?: SendOptions): Promise<Outgoing> {
    return this.parts.outbox.send(this.roomId, text, options)
  }

  edit(messageId: string, text: string): Promise<Delivery> {
    return this.parts.requests.socket('message:edit', { messageId, text })
  }

  async delete(messageId: string): Promise<Message> {
    const answer = await this.parts.requests.socket('message:delete', { messageId }, { repeat: true })
    return answer.message
  }

  async react(messageId: string, emoji: string, on = true): Promise<Message> {
    return (await this.parts.requests.socket('message:react', { messageId, emoji, on })).message
  }

  async flag(messageId: string, on = true, reason?: string): Promise<Message> {
    const payload = { messageId, on, ...(reason === undefined ? {} : { reason }) }
    return (await this.parts.requests.socket('message:flag', payload)).message
  }

  async markRead(seq = this.log.headSeq): Promise<void> {
    if (seq <= this.log.readSeqOf(this.parts.userId)) return
    await this.parts.requests.socket('message:read', { roomId: this.roomId, seq }, { repeat: true })
  }

  setTyping(typing: boolean): void {
    const { link, environment } = this.parts
    const nowMs = environment.monotonicMs()
    if (typing && nowMs - this.typingSaidMs < TYPING_EVERY_MS) return
    this.typingSaidMs = typing ? nowMs : Number.NEGATIVE_INFINITY
    link.emit('typing:set', { roomId: this.roomId, typing }, TYPING_EVERY_MS).catch(() => undefined)
  }

  loadOlder(limit = PAGE): Promise<boolean> {
    this.loadingOlder ??= this.loadPage(limit).finally(() => {
      this.loadingOlder = null
    })
    return this.loadingOlder
  }

  search(
    q: string,
    options: { readonly cursor?: string; readonly limit?: number } = {},
  ): Promise<Answer<'message:search'>> {
    const payload = { roomId: this.roomId, q, ...options, minSeq: this.parts.heads.of(this.roomId) }
    return this.parts.requests.socket('message:search', payload, { repeat: true })
  }

  around(messageId: string, limit = PAGE): Promise<Answer<'message:around'>> {
    const payload = { messageId, limit, minSeq: this.parts.heads.of(this.roomId) }
    return this.parts.requests.socket('message:around', payload, { repeat: true })
  }

  close(): void {
    this.parts.onClose()
  }

  private async loadPage(limit: number): Promise<boolean> {
    if (!this.log.isStarted) await this.ready()
    const { log, roomId } = this
    const { generation } = log
    const payload = { roomId, before: log.oldestSeq, limit, minSeq: this.parts.heads.of(roomId) }
    log.expectOlder()
    try {
      const page = await this.parts.requests.socket('message:list', payload, { repeat: true })
      if (log.generation === generation) {
        log.prepend(page.messages, page.headSeq, page.hasMore)
        this.changed()
      }
    } finally {
      log.forgetOlder()
    }
    return log.hasOlder
  }

  private advanced(applied: readonly RoomEvent[]): void {
    for (const event of applied) if (event.type === 'message.sent') this.typing.set(event.actorId, false, 0)
    if (applied.some(({ type }) => type === 'room.updated')) this.tellRoom()
    this.changed()
  }

  private joined(answer: JoinedRoom): void {
    this.presence = new Map([
      ...answer.presence.map((presence) => [presence.userId, presence] as const),
      ...this.presenceSinceJoin,
    ])
    this.tellRoom()
  }

  private tellRoom(): void {
    if (this.log.room !== null) this.parts.onRoom(this.log.room)
  }

  private ended(error: ParleyError | null): void {
    this.error = error
    this.typing.clear()
    this.stopOutbox()
    this.changed()
  }

  private changed(): void {
    this.snapshot = null
    for (const { onChange } of [...this.listeners]) callSafely(onChange)
  }

  private build(): RoomSnapshot {
    const { log, feed, roomId } = this
    const status = feed.isEnded ? 'ended' : feed.isLive ? 'live' : log.isStarted ? 'behind' : 'joining'
    return {
      roomId,
      status,
      error: feed.isEnded ? this.error : feed.lastError,
      room: log.room,
      role: log.role,
      members: log.listMembers(),
      presence: [...this.presence.values()].filter(({ userId }) => log.hasMember(userId)),
      headSeq: log.headSeq,
      messages: log.listMessages(),
      hasOlder: log.hasOlder,
      outgoing: this.outgoing(),
      typing: this.typing.list(),
    }
  }

  /** Each own message stands in the log or here, never in both, whichever of its ack and its event comes first. */
  private outgoing(): readonly OutboxItem[] {
    for (const [id, { seq }] of this.delivered) if (seq <= this.log.headSeq) this.delivered.delete(id)
    const waiting = this.parts.outbox
      .getSnapshot()
      .filter(({ roomId, clientMessageId: id }) => roomId === this.roomId && !this.delivered.has(id))
    return [
      ...[...this.delivered.values()].map(({ seq, ...item }) => item),
      ...waiting.filter(({ clientMessageId }) => !this.log.holdsOwn(clientMessageId)),
    ]
  }
}
