import fc from 'fast-check'
import type { TestSystem, TestUser } from '../../apps/testing/index.js'
import { PAGE_LIMIT } from '../../core/domain/page.js'
import { ROLES, type Role } from '../../core/domain/role.js'

/** One try of someone to change a room; whoever may not is refused, as in the product. */
export type RoomCommand = {
  readonly kind: (typeof KINDS)[number]
  /** Index of who acts, and of whom they act on. */
  readonly by: number
  readonly on: number
  /** Which of the newest messages it is about, 0 the newest. */
  readonly back: number
  readonly text: string
  readonly emoji: string
  readonly role: Role
  readonly flag: boolean
}

const KINDS = [
  'send',
  'send',
  'reply',
  'edit',
  'delete',
  'react',
  'react',
  'flag',
  'rename room',
  'change role',
  'remove',
  'leave',
  'join',
  'join',
  'rename oneself',
  'mark read',
] as const

export const roomCommand: fc.Arbitrary<RoomCommand> = fc.record({
  kind: fc.constantFrom(...KINDS),
  by: fc.nat(3),
  on: fc.nat(3),
  back: fc.nat(6),
  text: fc.string({ minLength: 1, maxLength: 8 }),
  emoji: fc.constantFrom('👍', '❤️', '😀'),
  role: fc.constantFrom(...ROLES),
  flag: fc.boolean(),
})

export async function run(
  { parley, ports }: TestSystem,
  roomId: string,
  people: readonly TestUser[],
  command: RoomCommand,
  index: number,
): Promise<unknown> {
  const { kind, text, emoji, role, flag } = command
  const by = people[command.by % people.length]
  const on = people[command.on % people.length]
  if (by === undefined || on === undefined) throw new Error('there is nobody')
  const { actor } = by
  const userId = on.user.id
  const window = { before: null, after: null, limit: PAGE_LIMIT.default }
  const { messages } = await ports.messages.page(roomId, window)
  const messageId = messages.at(-1 - command.back)?.id ?? ''
  const clientMessageId = `command-${index}`
  switch (kind) {
    case 'send':
      return parley.sendMessage.execute(actor, { roomId, clientMessageId, text })
    case 'reply':
      return parley.sendMessage.execute(actor, { roomId, clientMessageId, text, replyTo: messageId })
    case 'edit':
      return parley.editMessage.execute(actor, { messageId, text })
    case 'delete':
      return parley.deleteMessage.execute(actor, { messageId })
    case 'react':
      return parley.reactToMessage.execute(actor, { messageId, emoji, on: flag })
    case 'flag':
      return parley.flagMessage.execute(actor, { messageId, on: flag })
    case 'rename room':
      return parley.updateRoom.execute(actor, { roomId, name: `Room ${index}`, optOut: flag })
    case 'change role':
      return parley.changeMemberRole.execute(actor, { roomId, userId, role })
    case 'remove':
      return parley.removeMember.execute(actor, { roomId, userId })
    case 'leave':
      return parley.removeMember.execute(actor, { roomId, userId: by.user.id })
    case 'join': {
      const invited = await parley.createInvitation.execute(actor, { roomId, role })
      if (!invited.ok) return invited
      return parley.acceptInvitation.execute(on.actor, { code: invited.value.code })
    }
    case 'rename oneself':
      return parley.updateProfile.execute(actor, { displayName: `Name ${index}` })
    case 'mark read':
      return parley.markRead.execute(actor, { roomId, seq: index })
  }
}
