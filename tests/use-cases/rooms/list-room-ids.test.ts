import { describe, expect, it } from 'vitest'
import { createTestSystem, unwrap } from '../../../apps/testing/index.js'

describe('ListRoomIds', () => {
  it('answers the rooms of the caller alone, newest first, without those that they have left', async () => {
    const { parley, signUpUser } = createTestSystem()
    const [ada, ben] = [await signUpUser('Ada'), await signUpUser('Ben')]
    const open = async (owner: typeof ada) =>
      unwrap(await parley.createRoom.execute(owner.actor, { name: 'Home' })).id
    const [first, ofBen, second] = [await open(ada), await open(ben), await open(ada)]
    const { code } = unwrap(await parley.createInvitation.execute(ben.actor, { roomId: ofBen }))
    unwrap(await parley.acceptInvitation.execute(ada.actor, { code }))
    expect(unwrap(await parley.listRoomIds.execute(ada.actor, 10))).toEqual([second, ofBen, first])
    expect(unwrap(await parley.listRoomIds.execute(ada.actor, 2))).toEqual([second, ofBen])
    unwrap(await parley.removeMember.execute(ada.actor, { roomId: ofBen, userId: ada.user.id }))
    expect(unwrap(await parley.listRoomIds.execute(ada.actor, 10))).toEqual([second, first])
    expect(unwrap(await parley.listRoomIds.execute(ben.actor, 10))).toEqual([ofBen])
  })

  it('answers nothing for who has no room', async () => {
    const { parley, signUpUser } = createTestSystem()
    expect(unwrap(await parley.listRoomIds.execute((await signUpUser('Ada')).actor, 10))).toEqual([])
  })
})
