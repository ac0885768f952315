import { type Message, tombstone } from '../../core/domain/message.js'
import type { Member } from '../../core/domain/room.js'
import type { RoomEvent, RoomSnapshot } from '../../core/domain/room-event.js'

/** Whose snapshot it is, and how many of the newest messages it holds. */
export type SnapshotView = { readonly userId: string; readonly messageLimit: number }

/**
 * A snapshot as it is after `events`: what a client does that keeps a room up to date. Throws where an event is missing;
 * events up to the snapshot's head are known to it and skipped.
 */
export function applyEvents(
  snapshot: RoomSnapshot,
  events: readonly RoomEvent[],
  view: SnapshotView,
): RoomSnapshot {
  let present = snapshot
  for (const event of events) {
    if (event.seq <= present.headSeq) continue
    if (event.seq !== present.headSeq + 1) throw new Error(`seq ${present.headSeq + 1} is missing`)
    present = applyEvent(present, event, view)
  }
  return present
}

function applyEvent(before: RoomSnapshot, event: RoomEvent, view: SnapshotView): RoomSnapshot {
  const headSeq = event.seq
  const snapshot = { ...before, headSeq, room: { ...before.room, headSeq } }
  switch (event.type) {
    case 'room.updated':
      return { ...snapshot, room: { ...event.data.room, headSeq } }
    case 'member.joined':
    case 'member.left':
    case 'member.changed':
      return withMembers(snapshot, membersAfter(before.members, event), view)
    case 'message.sent':
      return {
        ...snapshot,
        messages: [...before.messages, event.data.message].slice(-view.messageLimit),
      }
    default:
      return { ...snapshot, messages: messagesAfter(before.messages, event) }
  }
}

function withMembers(
  snapshot: RoomSnapshot,
  members: readonly Member[],
  { userId }: SnapshotView,
): RoomSnapshot {
  const role = members.find((member) => member.userId === userId)?.role ?? snapshot.role
  return { ...snapshot, members, role }
}

function membersAfter(
  members: readonly Member[],
  event: Extract<RoomEvent, { type: `member.${string}` }>,
): readonly Member[] {
  switch (event.type) {
    case 'member.joined': {
      const { member } = event.data
      return [...members.filter(({ userId }) => userId !== member.userId), member]
    }
    case 'member.left':
      return members.filter(({ userId }) => userId !== event.data.userId)
    case 'member.changed': {
      const { userId, role, displayName } = event.data
      return members.map((member) => (member.userId === userId ? { ...member, role, displayName } : member))
    }
  }
}

/** A message that the snapshot does not hold is older than its oldest, and stays out of it. */
function messagesAfter(
  messages: readonly Message[],
  event: Extract<
    RoomEvent,
    { type: 'message.edited' | 'message.deleted' | 'message.reacted' | 'message.flagged' }
  >,
): readonly Message[] {
  const change = (messageId: string, changed: (message: Message) => Message) =>
    messages.map((message) => (message.id === messageId ? changed(message) : message))
  switch (event.type) {
    case 'message.edited':
      return change(event.data.message.id, () => event.data.message)
    case 'message.deleted':
      return change(event.data.messageId, (message) => tombstone(message, event.atMs))
    case 'message.reacted':
      return change(event.data.messageId, (message) => ({ ...message, reactions: event.data.reactions }))
    case 'message.flagged':
      return change(event.data.messageId, (message) => ({ ...message, flaggedBy: event.data.flaggedBy }))
  }
}
