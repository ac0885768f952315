import { describe, expect, it } from 'vitest'
import { createTestSystem, type TestUser, unwrap } from '../../../apps/testing/index.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { RoomLogPort } from '../../../core/ports/room-log-port.js'

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

  it('are read for each where they are too many to be kept', async () => {
    const { system, owner, guest, say, missed, reads } = await openRoom()
    const first = await say('one')
    for (let n = 1; n <= 51; n += 1) {
      await say(`more ${n}`)
      await system.clock.advance(10_000)
    }
    expect(texts(await missed(owner, first.seq))).toHaveLength(51)
    await missed(guest, first.seq)
    expect(reads()).toBe(2)
    expect(texts(await missed(owner, first.seq + 1))).toHaveLength(50)
    await missed(guest, first.seq + 1)
    expect(reads()).toBe(3)
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
