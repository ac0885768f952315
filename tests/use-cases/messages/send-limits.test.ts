import { describe, expect, it } from 'vitest'
import { createTestSystem, unwrap } from '../../../apps/testing/index.js'
import { LIMITS } from '../../../core/domain/rate-limits.js'

const MEMBER = LIMITS.messagesPerMember.burst
const USER = LIMITS.messagesPerUser.burst

describe('the limits of sending', () => {
  it('count nothing against the user for what the limit of one room has refused', async () => {
    const { parley, signUpUser, ids } = createTestSystem()
    const { actor } = await signUpUser('Olive')
    const openRoom = async (name: string) => unwrap(await parley.createRoom.execute(actor, { name })).id
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
  })
})
