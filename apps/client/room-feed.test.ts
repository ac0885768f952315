import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ScriptedLink } from '../../tests/support/scripted-link.js'
import { OTHER, ROOM, ScriptedRoom, SELF } from '../../tests/support/scripted-room.js'
import { environmentOf } from './environment.js'
import { ParleyError } from './errors.js'
import { Heads } from './heads.js'
import { RoomFeed } from './room-feed.js'
import { RoomLog } from './room-log.js'

let server: ScriptedRoom
let link: ScriptedLink
let log: RoomLog
let heads: Heads
let feed: RoomFeed
let ended: (ParleyError | null)[]

beforeEach(() => {
  vi.useFakeTimers()
  server = new ScriptedRoom()
  link = new ScriptedLink()
  log = new RoomLog(SELF, 1_000)
  heads = new Heads()
  ended = []
  feed = new RoomFeed({
    roomId: ROOM,
    userId: SELF,
    log,
    link: link.asLink,
    heads,
    environment: environmentOf({ random: () => 0.5 }),
    onChange: () => undefined,
    onJoined: () => undefined,
    onEnded: (error) => ended.push(error),
  })
})
afterEach(() => {
  feed.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const texts = (): string[] => log.listMessages().map(({ text }) => text)
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** Joined, with everything that there is. */
async function join(): Promise<void> {
  feed.enter()
  link.last.answer(server.joined(link.last.payload.since as number | undefined))
  await pass(0)
}

describe('RoomFeed', () => {
  it('keeps what is pushed before the answer to the join, and applies what the answer does not hold', async () => {
    server.send('in the snapshot')
    feed.enter()
    const answer = server.joined()
    const pushed = [server.log[2], server.send('after it'), server.send('and after that')]
    feed.receive(pushed.flatMap((event) => event ?? []))
    expect(log.isStarted).toBe(false)
    link.last.answer(answer)
    await pass(0)
    expect(texts()).toEqual(['in the snapshot', 'after it', 'and after that'])
    expect(feed.isLive).toBe(true)
    expect(link.calls).toHaveLength(1)
  })

  it('ignores what comes twice, and moves on over types that it does not know', async () => {
    await join()
    const events = [server.send('one'), server.unheardOf(), server.send('two')]
    feed.receive(events)
    feed.receive(events)
    expect(texts()).toEqual(['one', 'two'])
    expect(log.headSeq).toBe(server.headSeq)
  })

  it('shows nothing beyond a gap until it is closed, and asks for the gap', async () => {
    await join()
    server.send('lost')
    feed.receive([server.send('early')])
    expect(texts()).toEqual([])
    expect(feed.isLive).toBe(false)
    await pass(60)
    expect(link.last).toMatchObject({ name: 'room:sync', payload: { since: 2, minSeq: 4 } })
    link.last.answer(server.sync(2))
    await pass(0)
    expect(texts()).toEqual(['lost', 'early'])
    expect(feed.isLive).toBe(true)
  })

  it('asks for nothing when what was overtaken comes by itself', async () => {
    await join()
    const late = server.send('late')
    feed.receive([server.send('early')])
    await pass(20)
    feed.receive([late])
    await pass(5_000)
    expect(texts()).toEqual(['late', 'early'])
    expect(link.calls).toHaveLength(1)
  })

  it('takes an answer that is older than what was pushed meanwhile for what it is', async () => {
    await join()
    server.send('lost')
    feed.receive([server.send('early')])
    await pass(60)
    const old = server.sync(2)
    feed.receive([server.send('later'), server.edit('m-3', 'lost and found')])
    link.last.answer(old)
    await pass(0)
    expect(texts()).toEqual(['lost and found', 'early', 'later'])
    expect(log.headSeq).toBe(6)
  })

  it('goes on asking until all pages of a long gap are here', async () => {
    await join()
    for (let count = 1; count <= 1_300; count += 1) server.send(`message ${count}`)
    link.onCall = ({ payload, answer }) => answer(server.sync(payload.since as number, 500))
    feed.receive(server.log.slice(-100))
    await pass(1_000)
    expect(log.headSeq).toBe(1_302)
    expect(link.calls.map(({ name }) => name)).toEqual(['room:join', 'room:sync', 'room:sync', 'room:sync'])
    expect(log.listMessages().at(-1)?.text).toBe('message 1300')
  })

  it('finds out about a last event that never came, once it hears of it', async () => {
    await join()
    server.send('never pushed')
    heads.note(ROOM, 3)
    feed.check()
    await pass(900)
    expect(link.calls).toHaveLength(1)
    await pass(200)
    link.last.answer(server.sync(2))
    await pass(0)
    expect(texts()).toEqual(['never pushed'])
  })

  it('tries a failing repair again, and waits as long as the server asks', async () => {
    await join()
    server.send('lost')
    feed.receive([server.send('early')])
    await pass(60)
    link.last.refuse(new ParleyError('UNAVAILABLE', 'Not now.', { retryAfterMs: 5_000 }))
    await pass(4_900)
    expect(link.calls).toHaveLength(2)
    await pass(700)
    expect(link.calls).toHaveLength(3)
    link.last.answer(server.sync(2))
    await pass(0)
    expect(texts()).toEqual(['lost', 'early'])
  })

  it('ignores the answer to a join of a connection that has gone', async () => {
    feed.enter()
    const first = link.last
    const old = server.joined()
    feed.leave()
    server.send('newer')
    feed.enter()
    link.last.answer(server.joined())
    first.answer(old)
    await pass(0)
    expect(link.calls).toHaveLength(2)
    expect(texts()).toEqual(['newer'])
    expect(feed.isLive).toBe(true)
  })

  it('gets what was missed from where it stopped, or a new picture where that is too much', async () => {
    await join()
    feed.leave()
    server.send('missed')
    await join()
    expect(link.last.payload).toEqual({ roomId: ROOM, since: 2 })
    expect(texts()).toEqual(['missed'])
    feed.leave()
    for (let count = 0; count < 600; count += 1) server.send(`message ${count}`)
    await join()
    expect(log.headSeq).toBe(server.headSeq)
    expect(texts()).toHaveLength(50)
    expect(log.hasOlder).toBe(true)
  })

  it('begins anew with a server that was restored from a backup', async () => {
    for (const text of ['one', 'two', 'three']) server.send(text)
    await join()
    feed.leave()
    server = new ScriptedRoom()
    server.send('one')
    await join()
    expect(log.headSeq).toBe(3)
    expect(texts()).toEqual(['one'])
    feed.receive([server.send('and on')])
    expect(texts()).toEqual(['one', 'and on'])
    expect(heads.of(ROOM)).toBe(4)
  })

  it('tries a refused join again no sooner than the server asks, and says why it waits', async () => {
    feed.enter()
    link.last.refuse(new ParleyError('RATE_LIMITED', 'Slower.', { retryAfterMs: 3_000 }))
    await pass(2_900)
    expect(link.calls).toHaveLength(1)
    expect(feed.lastError?.code).toBe('RATE_LIMITED')
    await pass(500)
    link.last.answer(server.joined())
    await pass(0)
    expect(feed.isLive).toBe(true)
    expect(feed.lastError).toBeNull()
  })
})

describe('RoomFeed, when the user leaves', () => {
  it('ends with the event that says so, and takes nothing more', async () => {
    await join()
    feed.receive([server.send('last'), server.remove(SELF), server.send('not for me')])
    expect(ended).toEqual([null])
    feed.receive([server.send('nor this')])
    await pass(5_000)
    expect(texts()).toEqual(['last'])
    expect(link.calls).toHaveLength(1)
  })

  it('ends when that was pushed beyond a gap, and only after what came before', async () => {
    await join()
    server.send('lost')
    const gap = server.sync(2)
    feed.receive([server.remove(SELF)])
    expect(ended).toEqual([])
    await pass(60)
    link.last.answer(gap)
    await pass(0)
    expect(texts()).toEqual(['lost'])
    expect(ended).toEqual([null])
  })

  it('ends when it was removed while it was away', async () => {
    await join()
    feed.leave()
    server.remove(SELF)
    feed.enter()
    link.last.refuse(new ParleyError('NOT_FOUND', 'There is no such room.'))
    await pass(0)
    expect(ended).toEqual([null])
  })

  it('says so where it was never let in', async () => {
    feed.enter()
    link.last.refuse(new ParleyError('NOT_FOUND', 'There is no such room.'))
    await pass(0)
    expect(ended).toMatchObject([{ code: 'NOT_FOUND' }])
  })

  it('stays where an earlier membership ended while it was away', async () => {
    await join()
    feed.leave()
    server.remove(SELF)
    server.join(SELF)
    server.send('welcome back')
    await join()
    expect(ended).toEqual([])
    expect(texts()).toEqual(['welcome back'])
    expect(log.hasMember(SELF)).toBe(true)
    expect(feed.isLive).toBe(true)
  })

  it('joins again where it left and came back on this connection, whose place in the room is gone', async () => {
    await join()
    server.send('lost')
    const left = server.remove(SELF)
    server.join(SELF)
    feed.receive([left])
    await pass(60)
    link.last.answer(server.sync(2))
    await pass(0)
    expect(ended).toEqual([])
    expect(link.last).toMatchObject({ name: 'room:join', payload: { since: 5 } })
    link.last.answer(server.joined(5))
    await pass(0)
    feed.receive([server.send('hello again', OTHER)])
    expect(texts()).toEqual(['lost', 'hello again'])
  })
})
