import { notFound, type Refusal } from '../../core/domain/refusal.js'
import { ok, type Result } from '../../core/domain/result.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import type { EventPage, RoomFacts, RoomLogPort, RoomWrite } from '../../core/ports/room-log-port.js'
import { frozen } from './freeze.js'
import type { MemoryDatabase } from './memory-database.js'
import type { MemoryRoom } from './memory-room.js'

const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error))

/** The room log of one process over a database that several may share. A write happens in one step, so writes never mix. */
export class MemoryRoomLog implements RoomLogPort {
  private readonly listeners: ((commit: RoomCommit) => void)[] = []
  private readonly untold: RoomCommit[] = []
  private isTelling = false

  /** `onListenerError` is told what a commit listener throws, and must not throw itself. */
  constructor(
    private readonly database: MemoryDatabase,
    private readonly onListenerError: (error: unknown) => void = warn,
  ) {}

  async write<A>(write: RoomWrite<A>): Promise<Result<A, Refusal>> {
    const room = this.database.rooms.get(write.roomId)
    if (room === undefined) return notFound()
    const decided = write.decide(this.facts(room, write))
    if (!decided.ok) return decided
    const { changes, answer } = decided.value
    if (changes.length === 0) return ok(answer([]))
    const commit = room.draftCommit(changes, write.actor.userId, write.atMs)
    const value = answer(commit.events)
    this.database.append(room, changes, commit)
    this.tell([commit])
    return ok(value)
  }

  async read(roomId: string, since: number, limit: number): Promise<EventPage | null> {
    const room = this.database.rooms.get(roomId)
    if (room === undefined) return null
    const events = room.eventsAfter(since, limit)
    const headSeq = room.heads.head
    return { events, headSeq, hasMore: Math.max(0, since) + events.length < headSeq }
  }

  onCommitted(listener: (commit: RoomCommit) => void): void {
    this.listeners.push(listener)
  }

  /** Tells this process's listeners of commits, in order even where a listener writes in turn. */
  tell(commits: readonly RoomCommit[]): void {
    this.untold.push(...commits)
    if (this.isTelling) return
    this.isTelling = true
    for (let next = this.untold.shift(); next !== undefined; next = this.untold.shift())
      for (const listener of this.listeners) this.tellOne(listener, next)
    this.isTelling = false
  }

  private tellOne(listener: (commit: RoomCommit) => void, commit: RoomCommit): void {
    try {
      listener(commit)
    } catch (error) {
      this.onListenerError(error)
    }
  }

  private facts(room: MemoryRoom, { actor, atMs, needs }: RoomWrite<unknown>): RoomFacts {
    const { messageId, replyTo, clientMessageId, memberId, invitationCode } = needs
    const invitation = this.database.invitations.get(invitationCode ?? '')
    return frozen({
      room: room.room,
      loginIsLive: this.database.isLive(actor, atMs),
      actor: room.member(actor.userId),
      actorName: this.database.accounts.get(actor.userId)?.user.displayName ?? '',
      message: messageId === undefined ? null : room.message(messageId),
      replyTo: replyTo === undefined ? null : room.message(replyTo),
      earlier: clientMessageId === undefined ? null : room.earlier(actor.userId, clientMessageId),
      member: memberId === undefined ? null : room.member(memberId),
      invitation: invitation?.roomId === room.room.id ? invitation : null,
      census: needs.census === undefined ? null : census(room),
    })
  }
}

function census(room: MemoryRoom) {
  const roles = room.members().map((member) => member.role)
  const owners = roles.filter((role) => role === 'owner').length
  return { owners, participants: roles.filter((role) => role !== 'observer').length }
}
