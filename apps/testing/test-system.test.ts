import { describe, expect, it } from 'vitest'
import type { RoomEvent } from '../../core/domain/room-event.js'
import { createTestSystem, unwrap } from './composition.js'

async function play(seed: number) {
  const system = createTestSystem({ seed, startMs: Date.UTC(2030, 0) })
  const { actor, accessToken } = await system.signUpUser('Olive')
  const { id: roomId } = unwrap(await system.parley.createRoom.execute(actor, { name: 'Home' }))
  unwrap(await system.parley.sendMessage.execute(actor, { roomId, clientMessageId: 'a', text: 'hello' }))
  return { accessToken, commits: system.commits }
}

/** Two processes of one deployment, and a room that the second one follows. */
async function startTwo() {
  const first = createTestSystem()
  const second = createTestSystem({ shared: first.shared })
  for (const { parley } of [first, second]) await parley.start()
  const olive = await first.signUpUser('Olive')
  const { id: roomId } = unwrap(await first.parley.createRoom.execute(olive.actor, { name: 'Home' }))
  const delivered: RoomEvent[] = []
  second.parley.roomFeed.onEvents((_roomId, events) => delivered.push(...events))
  await second.parley.roomFeed.track(roomId)
  const say = async (text: string) =>
    unwrap(await first.parley.sendMessage.execute(olive.actor, { roomId, clientMessageId: text, text }))
  return { first, second, olive, roomId, delivered, say }
}

describe('createTestSystem', () => {
  it('repeats itself, ids and secrets included, with the same seed', async () => {
    expect(await play(7)).toEqual(await play(7))
    expect(await play(8)).not.toEqual(await play(7))
  })

  it('lets time stand still until it is advanced', async () => {
    const { clock, parley, signUpUser } = createTestSystem({ startMs: 1_000 })
    const { accessToken } = await signUpUser('Olive')
    expect(clock.nowMs()).toBe(1_000)
    await clock.advance(14 * 60_000)
    expect((await parley.authenticate.execute(accessToken)).ok).toBe(true)
    await clock.advance(60_000)
    expect((await parley.authenticate.execute(accessToken)).ok).toBe(false)
  })

  it('records what connected clients would have been told', async () => {
    const { notices, parley, signUpUser } = createTestSystem()
    const { actor } = await signUpUser('Olive')
    const { id: roomId } = unwrap(await parley.createRoom.execute(actor, { name: 'Home' }))
    unwrap(await parley.setTyping.execute(actor, { roomId, typing: true }))
    expect(notices.of('typing')).toMatchObject([{ roomId, userId: actor.userId, typing: true }])
    expect(notices.of('receipt')).toEqual([])
  })

  it('joins several processes by one database and one bus', async () => {
    const { first, second, olive, delivered, say } = await startTwo()
    const { message } = await say('hello')
    await first.clock.advance(10)
    expect(delivered).toMatchObject([{ seq: 2, type: 'message.sent', data: { message } }])
    expect(second.commits).toEqual([])
    unwrap(await first.parley.signOut.execute({ actor: olive.actor }))
    await first.clock.advance(10)
    expect((await second.parley.authenticate.execute(olive.accessToken)).ok).toBe(false)
  })

  it('finds by the sweep what a bus that lost everything did not bring', async () => {
    const { first, second, olive, delivered, say } = await startTwo()
    first.shared.bus.route = () => []
    await say('one')
    await say('two')
    unwrap(await first.parley.signOut.execute({ actor: olive.actor }))
    await first.clock.advance(10)
    expect(delivered).toEqual([])
    await first.clock.advance(1_000)
    expect(delivered.map((event) => event.seq)).toEqual([2, 3])
    expect((await second.parley.authenticate.execute(olive.accessToken)).ok).toBe(false)
  })

  it('takes another adapter in the place of its own', async () => {
    const mediator = { judge: () => Promise.reject(new Error('a mediator of mine')) }
    const { parley, signUpUser } = createTestSystem({ ports: { mediator } })
    const { actor } = await signUpUser('Olive')
    const { id: roomId } = unwrap(await parley.createRoom.execute(actor, { name: 'Home' }))
    const send = parley.sendMessage.execute(actor, { roomId, clientMessageId: 'a', text: 'hello' })
    await expect(send).rejects.toThrow('a mediator of mine')
  })
})
