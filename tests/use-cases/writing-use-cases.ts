import { unwrap } from '../../apps/testing/index.js'
import type { Message } from '../../core/domain/message.js'
import { enter, invite, type RoomWorld, say } from './room-world.js'

/**
 * What a use case writes to the room of a world. `prepare` comes before the first snapshot; what it answers is handed to
 * `act`, which must append at least one event.
 */
export type Scenario = (world: RoomWorld) => Promise<() => Promise<unknown>>

const oldest = ({ messages }: RoomWorld): Message => unwrapped(messages[0])
const newest = ({ messages }: RoomWorld, back = 1): Message => unwrapped(messages.at(-back))

function unwrapped<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world has no such message')
  return value
}

/** Every use case that writes to rooms, with what it can cause there. */
export const WRITING = {
  sendMessage: {
    'a message': async ({ system, roomId, member }) => {
      return () => say(system, roomId, member, 'hello')
    },
    'a reply': async (world) => {
      const { system, roomId, owner } = world
      const input = { roomId, clientMessageId: 'reply', text: 'yes', replyTo: newest(world).id }
      return async () => unwrap(await system.parley.sendMessage.execute(owner.actor, input))
    },
    'more messages than a snapshot holds': async ({ system, roomId, member }) => {
      return async () => {
        for (let i = 0; i < 60; i += 1) await say(system, roomId, member, `more ${i}`)
      }
    },
    'a message that is deleted before it is read': async ({ system, roomId, member }) => {
      return async () => {
        const { id: messageId } = await say(system, roomId, member, 'gone')
        unwrap(await system.parley.deleteMessage.execute(member.actor, { messageId }))
      }
    },
    'a message in a room without mediation': async ({ system, roomId, owner }) => {
      unwrap(await system.parley.updateRoom.execute(owner.actor, { roomId, mediation: 'off' }))
      return () => say(system, roomId, owner, 'as it is')
    },
  },
  editMessage: {
    'a shown message': async (world) => {
      const { system, owner } = world
      const messageId = newest(world).id
      return async () =>
        unwrap(await system.parley.editMessage.execute(owner.actor, { messageId, text: 'edited' }))
    },
    'twice, and a message older than the snapshot': async (world) => {
      const { system, owner } = world
      return async () => {
        for (const text of ['edited', 'edited again'])
          for (const { id: messageId } of [oldest(world), newest(world)])
            unwrap(await system.parley.editMessage.execute(owner.actor, { messageId, text }))
      }
    },
  },
  deleteMessage: {
    'a shown message, by a moderator': async (world) => {
      const { system, moderator } = world
      const messageId = newest(world, 3).id
      return async () => unwrap(await system.parley.deleteMessage.execute(moderator.actor, { messageId }))
    },
    'an edited message with reactions and flags': async (world) => {
      const { parley } = world.system
      const { id: messageId } = newest(world)
      unwrap(await parley.reactToMessage.execute(world.member.actor, { messageId, emoji: '👍', on: true }))
      return async () => {
        unwrap(await parley.editMessage.execute(world.owner.actor, { messageId, text: 'edited' }))
        unwrap(await parley.flagMessage.execute(world.member.actor, { messageId, on: true }))
        unwrap(await parley.deleteMessage.execute(world.owner.actor, { messageId }))
      }
    },
    'a message older than the snapshot': async (world) => {
      const { system, owner } = world
      const messageId = oldest(world).id
      return async () => unwrap(await system.parley.deleteMessage.execute(owner.actor, { messageId }))
    },
  },
  reactToMessage: {
    'with several emoji, some taken back': async (world) => {
      const { parley } = world.system
      const { id: messageId } = newest(world)
      const react = async (by: keyof Pick<RoomWorld, 'owner' | 'member'>, emoji: string, on: boolean) =>
        unwrap(await parley.reactToMessage.execute(world[by].actor, { messageId, emoji, on }))
      await react('owner', '👍', true)
      return async () => {
        await react('member', '👍', true)
        await react('member', '❤️', true)
        await react('owner', '👍', false)
        await react('member', '❤️', false)
      }
    },
  },
  flagMessage: {
    'on, by two, and off again by one': async (world) => {
      const { parley } = world.system
      const { id: messageId } = newest(world)
      const flag = async (by: keyof Pick<RoomWorld, 'member' | 'moderator'>, on: boolean) =>
        unwrap(await parley.flagMessage.execute(world[by].actor, { messageId, on, reason: 'unkind' }))
      return async () => {
        await flag('member', true)
        await flag('moderator', true)
        await flag('member', false)
      }
    },
  },
  updateRoom: {
    'name and settings, twice': async ({ system, roomId, owner }) => {
      const update = async (given: { name?: string; mediation?: 'advise'; optOut?: boolean }) =>
        unwrap(await system.parley.updateRoom.execute(owner.actor, { roomId, ...given }))
      return async () => {
        await update({ name: 'Renamed', mediation: 'advise' })
        await update({ name: 'Renamed again', optOut: true })
      }
    },
  },
  changeMemberRole: {
    'of another, up and down': async ({ system, roomId, owner, member }) => {
      const userId = member.user.id
      return async () => {
        for (const role of ['moderator', 'observer'] as const)
          unwrap(await system.parley.changeMemberRole.execute(owner.actor, { roomId, userId, role }))
      }
    },
    'of oneself, after making another owner': async ({ system, roomId, owner, moderator }) => {
      const change = async (userId: string, role: 'owner' | 'member') =>
        unwrap(await system.parley.changeMemberRole.execute(owner.actor, { roomId, userId, role }))
      return async () => {
        await change(moderator.user.id, 'owner')
        await change(owner.user.id, 'member')
      }
    },
  },
  removeMember: {
    'by a moderator': async ({ system, roomId, moderator, observer }) => {
      const userId = observer.user.id
      return async () => unwrap(await system.parley.removeMember.execute(moderator.actor, { roomId, userId }))
    },
    'by leaving, and coming back': async ({ system, roomId, owner, member }) => {
      const userId = member.user.id
      return async () => {
        unwrap(await system.parley.removeMember.execute(member.actor, { roomId, userId }))
        await enter(system, roomId, owner, member, 'moderator')
      }
    },
  },
  acceptInvitation: {
    'by someone new': async ({ system, roomId, owner, outsider }) => {
      const code = await invite(system, roomId, owner, 'observer')
      return async () => unwrap(await system.parley.acceptInvitation.execute(outsider.actor, { code }))
    },
  },
  updateProfile: {
    'a new display name': async ({ system, member }) => {
      return async () =>
        unwrap(await system.parley.updateProfile.execute(member.actor, { displayName: 'Maxine' }))
    },
    'a new display name between two roles': async ({ system, roomId, owner, member }) => {
      const userId = member.user.id
      const change = async (role: 'observer' | 'moderator') =>
        unwrap(await system.parley.changeMemberRole.execute(owner.actor, { roomId, userId, role }))
      return async () => {
        await change('observer')
        unwrap(await system.parley.updateProfile.execute(member.actor, { displayName: 'Maxine' }))
        await change('moderator')
      }
    },
  },
} satisfies Record<string, Record<string, Scenario>>
