import { describe, expect, it } from 'vitest'
import type { RoomSnapshot } from '../../core/domain/room-event.js'
import { applyEvents } from './apply-events.js'
import { createTestSystem, unwrap } from './composition.js'

async function openRoom() {
  const system = createTestSystem()
  const { actor, user } = await system.signUpUser('Olive')
  const { id: roomId } = unwrap(await system.parley.createRoom.execute(actor, { name: 'Home' }))
  for (const text of ['one', 'two', 'three'])
    unwrap(await system.parley.sendMessage.execute(actor, { roomId, clientMessageId: text, text }))
  const events = system.commits.flatMap((commit) => commit.events)
  const snapshot = (await system.ports.rooms.snapshot(roomId, user.id, 2)) as RoomSnapshot
  const view = { userId: user.id, messageLimit: 2 }
  const nothing: RoomSnapshot = { ...snapshot, headSeq: 0, members: [], messages: [] }
  return { events, snapshot, nothing, view }
}

describe('applyEvents', () => {
  it('leads from nothing to the snapshot, keeping the newest messages only', async () => {
    const { events, snapshot, nothing, view } = await openRoom()
    expect(applyEvents(nothing, events, view)).toEqual(snapshot)
  })

  it('skips events that the snapshot holds already', async () => {
    const { events, snapshot, view } = await openRoom()
    expect(applyEvents(snapshot, events, view)).toEqual(snapshot)
  })

  it('throws where an event is missing', async () => {
    const { events, nothing, view } = await openRoom()
    expect(() => applyEvents(nothing, events.toSpliced(1, 1), view)).toThrow('seq 2 is missing')
  })
})
