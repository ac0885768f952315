import { describe, expect, it } from 'vitest'
import { createTestSystem, type TestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import { LIMITS } from '../../../core/domain/rate-limits.js'
import type { Refusal } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import type { RateLimitPort } from '../../../core/ports/rate-limit-port.js'
import type { RoomRepoPort } from '../../../core/ports/room-repo-port.js'

type World = { readonly system: TestSystem; readonly roomId: string; owner: TestUser; guest: TestUser }

async function openRoom(): Promise<World> {
  const system = createTestSystem()
  const { parley } = system
  const [owner, guest] = [await system.signUpUser('Olive'), await system.signUpUser('Gus')]
  const { id: roomId } = unwrap(await parley.createRoom.execute(owner.actor, { name: 'Home' }))
  const { code } = unwrap(await parley.createInvitation.execute(owner.actor, { roomId }))
  unwrap(await parley.acceptInvitation.execute(guest.actor, { code }))
  return { system, roomId, owner, guest }
}

const say = async ({ system, roomId }: World, who: TestUser, text: string) =>
  unwrap(
    await system.parley.sendMessage.execute(who.actor, { roomId, clientMessageId: system.ids.next(), text }),
  ).message

/** Another process of the same deployment, in which the guest is removed right after `step` has been read. */
function removing(world: World, step: 'access' | 'snapshot'): TestSystem['parley'] {
  const { rooms } = world.system.ports
  const after = async <T>(read: Promise<T>): Promise<T> => {
    const value = await read
    const { owner, guest, roomId, system } = world
    unwrap(await system.parley.removeMember.execute(owner.actor, { roomId, userId: guest.user.id }))
    await say(world, owner, 'said without them')
    return value
  }
  const wrapped: RoomRepoPort = Object.assign(Object.create(rooms) as RoomRepoPort, {
    access: (...args: Parameters<RoomRepoPort['access']>) =>
      step === 'access' ? after(rooms.access(...args)) : rooms.access(...args),
    snapshot: (...args: Parameters<RoomRepoPort['snapshot']>) =>
      step === 'snapshot' ? after(rooms.snapshot(...args)) : rooms.snapshot(...args),
  })
  return createTestSystem({ shared: world.system.shared, ports: { rooms: wrapped } }).parley
}

/** Another process of the same deployment, in which `meanwhile` happens while the rate limits are asked. */
function during(world: World, meanwhile: () => Promise<void>): TestSystem['parley'] {
  const { limits } = world.system.ports
  const take: RateLimitPort['take'] = async (...args) => {
    await meanwhile()
    return limits.take(...args)
  }
  const ports = { limits: Object.assign(Object.create(limits) as RateLimitPort, { take }) }
  return createTestSystem({ shared: world.system.shared, ports }).parley
}

const noop = async () => undefined

describe('a member who is removed while a call is under way', () => {
  it('is answered no event from above the removal when joining with an offset', async () => {
    const world = await openRoom()
    const { roomId, guest } = world
    const parley = removing(world, 'snapshot')
    const joined = unwrap(await parley.joinRoom.execute(guest.actor, { roomId, since: 0 }, noop))
    expect(joined.headSeq).toBe(2)
    expect(joined.events?.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('is answered NOT_FOUND when joining after being let in and before being read to', async () => {
    const world = await openRoom()
    const { roomId, guest } = world
    const result = await removing(world, 'access').joinRoom.execute(guest.actor, { roomId, since: 0 }, noop)
    expect(codeOf(result)).toBe('NOT_FOUND')
  })

  it('is answered no event from above the removal when syncing', async () => {
    const world = await openRoom()
    const { roomId, guest } = world
    const page = unwrap(await removing(world, 'access').syncRoom.execute(guest.actor, { roomId, since: 0 }))
    expect(page.events.map(({ seq }) => seq)).toEqual([1, 2])
    expect(page).toMatchObject({ headSeq: 2, hasMore: false })
  })

  it('learns no more of the room than that it is over', async () => {
    const world = await openRoom()
    const { system, roomId, owner, guest } = world
    unwrap(await system.parley.markRead.execute(guest.actor, { roomId, seq: 1 }))
    unwrap(await system.parley.removeMember.execute(owner.actor, { roomId, userId: guest.user.id }))
    await say(world, owner, 'said without them')
    const { value } = await system.parley.reportStandings.execute([{ roomId, userId: guest.user.id }])
    expect(value).toEqual([{ roomId, userId: guest.user.id, role: null, headSeq: 1, readSeq: 1, unread: 0 }])
  })
})

describe('an invitation', () => {
  /** The guest as a moderator who has made a code for another moderator, and somebody who has it. */
  async function openInvitation() {
    const world = await openRoom()
    const { system, roomId, owner, guest } = world
    const { parley } = system
    const setRole = (role: 'owner' | 'moderator' | 'member') =>
      parley.changeMemberRole.execute(owner.actor, { roomId, userId: guest.user.id, role }).then(unwrap)
    await setRole('moderator')
    const { code } = unwrap(await parley.createInvitation.execute(guest.actor, { roomId, role: 'moderator' }))
    const invited = await system.signUpUser('Ina')
    const accept = async (who: TestUser) => codeOf(await parley.acceptInvitation.execute(who.actor, { code }))
    const remove = (who: TestUser) =>
      parley.removeMember.execute(owner.actor, { roomId, userId: who.user.id }).then(unwrap)
    return { world, invited, setRole, accept, remove }
  }

  it('brings nobody in once its maker was removed, not even them', async () => {
    const { world, invited, accept, remove } = await openInvitation()
    await remove(world.guest)
    expect(await accept(invited)).toBe('NOT_FOUND')
    expect(await accept(world.guest)).toBe('NOT_FOUND')
  })

  it('brings nobody in while its maker has a role that could not make it', async () => {
    const { invited, setRole, accept } = await openInvitation()
    await setRole('member')
    expect(await accept(invited)).toBe('NOT_FOUND')
    await setRole('owner')
    expect(await accept(invited)).toBe('ok')
  })

  it('is not made where its maker is removed meanwhile', async () => {
    const world = await openRoom()
    const { system, roomId, owner, guest } = world
    const role = 'moderator'
    unwrap(await system.parley.changeMemberRole.execute(owner.actor, { roomId, userId: guest.user.id, role }))
    const parley = during(world, async () => {
      unwrap(await system.parley.removeMember.execute(owner.actor, { roomId, userId: guest.user.id }))
    })
    expect(codeOf(await parley.createInvitation.execute(guest.actor, { roomId, role }))).toBe('NOT_FOUND')
  })
})

describe('a login that is signed out while a call is under way', () => {
  it('opens no room, makes no invitation and renames nobody after the answer', async () => {
    const world = await openRoom()
    const { system, roomId, owner } = world
    const { actor } = owner
    const parley = during(world, async () => void unwrap(await system.parley.signOut.execute({ actor })))
    const results = [
      await parley.createRoom.execute(actor, { name: 'Late' }),
      await parley.createInvitation.execute(actor, { roomId }),
      await parley.updateProfile.execute(actor, { displayName: 'Late' }),
    ]
    expect(results.map(codeOf)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED', 'UNAUTHENTICATED'])
    expect((await system.ports.rooms.listFor(actor.userId, null, 10)).rooms).toHaveLength(1)
  })
})

describe('a page of the log', () => {
  it('says that there is more as long as it does not reach the head', async () => {
    const world = await openRoom()
    const { system, roomId, guest } = world
    for (const text of ['three', 'four', 'five']) await say(world, guest, text)
    const read = async (since: number, limit: number) => {
      const page = unwrap(await system.parley.syncRoom.execute(guest.actor, { roomId, since, limit }))
      return [page.events.map(({ seq }) => seq), page.hasMore, page.headSeq]
    }
    expect(await read(0, 2)).toEqual([[1, 2], true, 5])
    expect(await read(2, 3)).toEqual([[3, 4, 5], false, 5])
    expect(await read(5, 3)).toEqual([[], false, 5])
    expect(await read(9, 3)).toEqual([[], false, 5])
  })
})

describe('a limit that a non-member has reached', () => {
  it.each(['edit', 'delete', 'react', 'flag'] as const)(
    'does not tell which messages exist (%s)',
    async (kind) => {
      const world = await openRoom()
      const { system, guest } = world
      const { parley } = system
      const stranger = await system.signUpUser('Stan')
      const { id: there } = await say(world, guest, 'said among ourselves')
      const nowhere = system.ids.next()
      const attempt = async (messageId: string): Promise<Result<unknown, Refusal>> => {
        const { actor } = stranger
        if (kind === 'edit') return parley.editMessage.execute(actor, { messageId, text: 'mine' })
        if (kind === 'delete') return parley.deleteMessage.execute(actor, { messageId })
        if (kind === 'react')
          return parley.reactToMessage.execute(actor, { messageId, emoji: '👍', on: true })
        return parley.flagMessage.execute(actor, { messageId, on: true })
      }
      const tries = LIMITS.messagesPerUser.burst + LIMITS.changesPerUser.burst
      for (let i = 0; i < tries; i += 1) await attempt(i % 2 === 0 ? there : nowhere)
      expect(codeOf(await attempt(there))).toBe(codeOf(await attempt(nowhere)))
    },
  )
})

const codeOf = (result: Result<unknown, Refusal>): string => (result.ok ? 'ok' : result.refusal.code)
