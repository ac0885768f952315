import { describe, expect, it } from 'vitest'
import { createTestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import { LIMITS } from '../../../core/domain/rate-limits.js'
import { enter } from '../room-world.js'

const MEMBER = LIMITS.messagesPerMember.burst
const USER = LIMITS.messagesPerUser.burst

describe('the limits of sending', () => {
  it.each([
    ['as they are', false],
    ['that are followed, whose members are known', true],
  ])(
    'count nothing against the user for what the limit of one room has refused, in rooms %s',
    async (_rooms, isFollowed) => {
      const { parley, signUpUser, ids } = createTestSystem()
      const { actor } = await signUpUser('Olive')
      const openRoom = async (name: string) => {
        const { id } = unwrap(await parley.createRoom.execute(actor, { name }))
        if (isFollowed) await parley.roomFeed.track(id)
        return id
      }
      const [loud, quiet, last] = [await openRoom('loud'), await openRoom('quiet'), await openRoom('last')]
      const accepted = async (roomId: string, tries: number) => {
        let count = 0
        for (let n = 0; n < tries; n += 1) {
          const input = { roomId, clientMessageId: ids.next(), text: `message ${n}` }
          if ((await parley.sendMessage.execute(actor, input)).ok) count += 1
        }
        return count
      }
      expect(await accepted(loud, 100)).toBe(MEMBER)
      expect(await accepted(quiet, 100)).toBe(USER - MEMBER)
      expect(await accepted(last, 1)).toBe(0)
    },
  )

  it('count each member of a room that is followed by themselves (pitfall 10)', async () => {
    const system = createTestSystem()
    const { parley, ids } = system
    const [owner, member] = [await system.signUpUser('Olive'), await system.signUpUser('Max')]
    const roomId = unwrap(await parley.createRoom.execute(owner.actor, { name: 'Home' })).id
    await enter(system, roomId, owner, member, 'member')
    await parley.roomFeed.track(roomId)
    const accepted = async ({ actor }: TestUser) => {
      let count = 0
      for (let n = 0; n < 2 * MEMBER; n += 1) {
        const input = { roomId, clientMessageId: ids.next(), text: `message ${n}` }
        if ((await parley.sendMessage.execute(actor, input)).ok) count += 1
      }
      return count
    }
    expect(await accepted(owner)).toBe(MEMBER)
    expect(await accepted(member)).toBe(MEMBER)
  })
})
