import type { RoomId } from '../../core/domain/ids.js'
import type { RoomChange, Stamp } from '../../core/domain/room-event.js'
import type { Transaction } from './connection.js'
import {
  eraseTexts,
  eraseVersions,
  insertChanges,
  insertMessages,
  insertVersions,
  markLeft,
  type OrdinalRow,
  putMembers,
  type Statement,
  setFlags,
  setReactions,
  updateRoles,
  updateSettings,
  updateTexts,
  useInvitations,
} from './room-change-statements.js'
import { eraseWords, holdSearchHeads, updateWords } from './search-index-statements.js'

type Row = Readonly<Record<string, string | number | boolean | null | object>>
type Change<T extends RoomChange['type']> = Extract<RoomChange, { type: T }>

/**
 * The rows that changes of rooms write, gathered per statement. The statements run in a fixed order (what is inserted can
 * be changed, what is changed can be removed), so where two changes concern one thing, the later takes the place of the earlier.
 */
export class RoomChangeRows {
  private readonly changes: Row[] = []
  private readonly messages: Row[] = []
  private readonly versions: Row[] = []
  private readonly texts = new Map<string, Row>()
  private readonly deleted = new Map<string, Row>()
  private readonly reactions = new Map<string, Row>()
  private readonly flags = new Map<string, Row>()
  private readonly joined = new Map<string, Row>()
  private readonly roles = new Map<string, Row>()
  private readonly left = new Map<string, Row>()
  private readonly uses: Row[] = []
  private readonly settings = new Map<RoomId, Row>()
  private stored: readonly OrdinalRow[] = []

  add(roomId: RoomId, change: RoomChange, stamp: Stamp): void {
    if (change.type === 'message.sent') {
      // The row of the message is its event as well.
      this.messages.push({ ...change.draft, roomId, seq: stamp.seq, atMs: stamp.atMs })
      return
    }
    this.changes.push({ roomId, type: change.type, ...stamp, facts: this.gather(roomId, change, stamp) })
  }

  /** Keeps the rows of a change; what its event has to keep to be filled when it is read. */
  private gather(roomId: RoomId, change: Exclude<RoomChange, { type: 'message.sent' }>, stamp: Stamp): Row {
    switch (change.type) {
      case 'message.edited':
        return this.gatherEdit(change, stamp)
      case 'message.deleted': {
        const { id, seq } = change.message
        this.deleted.set(id, { id, roomId, seq, atMs: stamp.atMs })
        return { messageId: id }
      }
      case 'message.reacted': {
        const { userId, emoji, on } = change
        const messageId = change.message.id
        this.reactions.set(`${messageId} ${userId} ${emoji}`, {
          messageId,
          userId,
          emoji,
          on,
          seq: stamp.seq,
        })
        return { messageId }
      }
      case 'message.flagged': {
        const { userId, on, reason } = change
        const messageId = change.message.id
        this.flags.set(`${messageId} ${userId}`, { messageId, userId, on, reason, ...stamp })
        return { messageId }
      }
      case 'room.updated': {
        const { name, mediation, sendAnyway, optOut } = change.room
        this.settings.set(roomId, { roomId, name, mediation, sendAnyway, optOut })
        return {}
      }
      default:
        return this.gatherMember(roomId, change, stamp)
    }
  }

  private gatherEdit({ message, text, deliveredUnder }: Change<'message.edited'>, { seq, atMs }: Stamp): Row {
    const replacedAtMs = message.editedAtMs ?? message.createdAtMs
    this.versions.push({ messageId: message.id, seq, text: message.text, atMs: replacedAtMs })
    const { id, roomId } = message
    this.texts.set(id, { id, roomId, seq: message.seq, text, deliveredUnder, atMs })
    return { messageId: message.id }
  }

  private gatherMember(
    roomId: RoomId,
    change: Change<'member.joined' | 'member.left' | 'member.changed'>,
    { seq, atMs }: Stamp,
  ): Row {
    const userId = change.type === 'member.joined' ? change.member.userId : change.userId
    const key = `${roomId} ${userId}`
    if (change.type === 'member.left') {
      this.left.set(key, { roomId, userId, atMs })
      return { userId }
    }
    if (change.type === 'member.changed') {
      this.roles.set(key, { roomId, userId, role: change.role, displayName: change.displayName })
      return { userId, role: change.role }
    }
    this.roles.delete(key)
    this.left.delete(key)
    this.joined.set(key, { ...change.member, roomId, seq })
    if (change.invitationCode !== null) this.uses.push({ code: change.invitationCode })
    return { userId, role: change.member.role }
  }

  /** Of the messages sent, in the order of the log, once the statements are done. */
  get ordinals(): readonly OrdinalRow[] {
    return this.stored
  }

  /** Sends the statements that write all of it, in order, without waiting in between; those without rows are left out. */
  send(tx: Transaction): readonly PromiseLike<unknown>[] {
    const steps: readonly (readonly [Iterable<Row>, Statement])[] = [
      [this.changes, insertChanges],
      [this.messages, insertMessages],
      [this.versions, insertVersions],
      [this.texts.values(), updateTexts],
      [this.deleted.values(), eraseTexts],
      [this.deleted.values(), eraseVersions],
      [[...this.texts.values(), ...this.deleted.values()], holdSearchHeads],
      [this.texts.values(), updateWords],
      [this.deleted.values(), eraseWords],
      [this.reactions.values(), setReactions],
      [this.flags.values(), setFlags],
      [this.joined.values(), putMembers],
      [this.roles.values(), updateRoles],
      [this.left.values(), markLeft],
      [this.uses, useInvitations],
      [this.settings.values(), updateSettings],
    ]
    return steps.flatMap(([given, statement]) => {
      const rows = [...given]
      return rows.length === 0 ? [] : [this.run(tx, statement, rows)]
    })
  }

  private async run(tx: Transaction, statement: Statement, rows: readonly Row[]): Promise<void> {
    const given = tx`json_to_recordset(${JSON.stringify(rows)}::text::json)`
    const answer = await statement(tx, given).execute()
    if (statement === insertMessages) this.stored = answer as unknown as readonly OrdinalRow[]
  }
}
