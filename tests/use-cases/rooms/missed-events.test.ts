import { describe, expect, it } from 'vitest'
import { createTestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { RoomLogPort } from '../../../core/ports/room-log-port.js'
import { MissedEvents } from '../../../core/use-cases/rooms/missed-events.js'

/** A room of two, in a process that counts how often it reads the log. */
async function openRoom() {
  const system = createTestSystem()
  const [owner, guest] = [await system.signUpUser('Olive'), await system.signUpUser('Gus')]
  const { id: roomId } = unwrap(await system.parley.createRoom.execute(owner.actor, { name: 'Home' }))
  const { code } = unwrap(await system.parley.createInvitation.execute(owner.actor, { roomId }))
  unwrap(await system.parley.acceptInvitation.execute(guest.actor, { code }))
  const { log } = system.ports
  let reads = 0
  const read: RoomLogPort['read'] = (...args) => {
    reads += 1
    return log.read(...args)
  }
  const counted = Object.assign(Object.create(log) as RoomLogPort, { read })
  const { parley } = createTestSystem({ shared: system.shared, ports: { log: counted } })
  const say = async (text: string) => {
    const input = { roomId, clientMessageId: system.ids.next(), text }
    return unwrap(await parley.sendMessage.execute(owner.actor, input)).message
  }
  const missed = async ({ actor }: TestUser, since: number) =>
    unwrap(await parley.joinRoom.execute(actor, { roomId, since }, async () => undefined)).events
  return { system, parley, roomId, owner, guest, say, missed, reads: () => reads }
}

const texts = (events: readonly RoomEvent[] | null) =>
  events?.map((event) => (event.type === 'message.sent' ? event.data.message.text : event.type))

describe('events that members have missed', () => {
  it('are read once for all who come back to the same', async () => {
    const { owner, guest, say, missed, reads } = await openRoom()
    const first = await say('one')
    await say('two')
    expect(texts(await missed(owner, first.seq))).toEqual(['two'])
    expect(await missed(guest, first.seq)).toEqual(await missed(owner, first.seq))
    expect(reads()).toBe(1)
  })

  it('are read once for all who ask for them at the same time', async () => {
    const { owner, guest, say, missed, reads } = await openRoom()
    const first = await say('one')
    await say('two')
    const [one, other] = await Promise.all([missed(owner, first.seq), missed(guest, first.seq)])
    expect(texts(one)).toEqual(['two'])
    expect(other).toEqual(one)
    expect(reads()).toBe(1)
  })

  it('are none from above the head that the caller may see, though others have read further', async () => {
    const { system, roomId, say } = await openRoom()
    const first = await say('one')
    const missedEvents = new MissedEvents({ ...system.ports, settings: { eventCacheMs: 60_000 } })
    const second = await say('two')
    await say('three')
    expect(texts(await missedEvents.read(roomId, first.seq, second.seq + 1))).toEqual(['two', 'three'])
    expect(texts(await missedEvents.read(roomId, first.seq, second.seq))).toEqual(['two'])
    // What was read for an older head than that of the log says nothing of the newest.
    expect(texts(await missedEvents.read(roomId, first.seq, second.seq + 1))).toEqual(['two', 'three'])
  })

  it('are read again after whatever happened in the room', async () => {
    const { parley, owner, guest, say, missed } = await openRoom()
    const first = await say('one')
    const { id: messageId } = await say('two')
    await missed(owner, first.seq)
    unwrap(await parley.editMessage.execute(owner.actor, { messageId, text: 'two, corrected' }))
    expect(texts(await missed(guest, first.seq))).toEqual(['two, corrected', 'message.edited'])
    unwrap(await parley.deleteMessage.execute(owner.actor, { messageId }))
    expect(texts(await missed(guest, first.seq))).toEqual(['', 'message.edited', 'message.deleted'])
  })

  it('are those since what each knows', async () => {
    const { owner, guest, say, missed } = await openRoom()
    const [first, second] = [await say('one'), await say('two')]
    await say('three')
    expect(texts(await missed(owner, first.seq))).toEqual(['two', 'three'])
    expect(texts(await missed(guest, second.seq))).toEqual(['three'])
  })

  it('are not remembered with what they show of people, which changes without an event', async () => {
    const { parley, roomId, owner, guest, say, missed } = await openRoom()
    const { seq } = await say('one')
    await missed(owner, 0)
    unwrap(await parley.markRead.execute(guest.actor, { roomId, seq }))
    const joined = (await missed(owner, 0))?.flatMap((event) =>
      event.type === 'member.joined' && event.data.member.userId === guest.user.id ? [event.data.member] : [],
    )
    expect(joined?.map(({ readSeq }) => readSeq)).toEqual([seq])
  })
})
