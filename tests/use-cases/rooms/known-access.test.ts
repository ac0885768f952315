import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestSystem, type TestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import type { Result } from '../../../core/domain/result.js'
import { enter } from '../room-world.js'

let system: TestSystem
let owner: TestUser
let member: TestUser
let roomId: string
let asked: ReturnType<typeof vi.spyOn>
let next = 0

beforeEach(async () => {
  system = createTestSystem()
  owner = await system.signUpUser('Olive')
  member = await system.signUpUser('Max')
  roomId = unwrap(await system.parley.createRoom.execute(owner.actor, { name: 'Home' })).id
  await enter(system, roomId, owner, member, 'member')
  asked = vi.spyOn(system.ports.rooms, 'access')
})

const say = (by: TestUser) => {
  next += 1
  return system.parley.sendMessage.execute(by.actor, { roomId, clientMessageId: `m-${next}`, text: 'Hello' })
}
const codeOf = (result: Result<unknown, { readonly code: string }>) =>
  result.ok ? null : result.refusal.code

/** How often the store is asked for access while each of them sends. */
async function questionsFor(...senders: TestUser[]): Promise<number> {
  asked.mockClear()
  for (const sender of senders) await say(sender)
  return asked.mock.calls.length
}

describe('the access of those who send', () => {
  it('is asked for once while their room is followed', async () => {
    await system.parley.roomFeed.track(roomId)
    expect(await questionsFor(owner, owner, member, owner, member)).toBe(2)
    expect(await questionsFor(owner, member)).toBe(0)
  })

  it('is asked for each time while it is not', async () => {
    expect(await questionsFor(owner, owner, member)).toBe(3)
    await system.parley.roomFeed.track(roomId)
    await say(owner)
    system.parley.roomFeed.untrack(roomId)
    expect(await questionsFor(owner, owner)).toBe(2)
  })

  it('is asked for again after an event that may have changed it', async () => {
    await system.parley.roomFeed.track(roomId)
    await say(owner)
    unwrap(await system.parley.updateRoom.execute(owner.actor, { roomId, mediation: 'off' }))
    expect(await questionsFor(owner, owner)).toBe(1)
    const message = unwrap(await say(owner)).message
    expect(message.mediation).toBeNull()
  })

  it('is gone with the membership', async () => {
    await system.parley.roomFeed.track(roomId)
    await say(member)
    unwrap(await system.parley.removeMember.execute(owner.actor, { roomId, userId: member.user.id }))
    expect(codeOf(await say(member))).toBe('NOT_FOUND')
  })

  it('is not kept where it was read before the following began anew', async () => {
    const { roomFeed } = system.parley
    await roomFeed.track(roomId)
    const { rooms } = system.ports
    const access = rooms.access.bind(rooms)
    asked.mockImplementationOnce(async (...args: Parameters<typeof access>) => {
      const before = await access(...args)
      roomFeed.untrack(roomId)
      await roomFeed.track(roomId)
      return before
    })
    await say(owner)
    expect(await questionsFor(owner)).toBe(1)
  })

  it('is not kept where it was read before an event that has been delivered meanwhile', async () => {
    const { parley, ports } = system
    await parley.roomFeed.track(roomId)
    const access = ports.rooms.access.bind(ports.rooms)
    asked.mockImplementationOnce(async (...args: Parameters<typeof access>) => {
      const before = await access(...args)
      unwrap(await parley.removeMember.execute(owner.actor, { roomId, userId: member.user.id }))
      return before
    })
    expect(codeOf(await say(member))).toBe('NOT_FOUND')
    expect(await questionsFor(member)).toBe(1)
  })
})
