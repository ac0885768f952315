import { beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryCache, memoryRepos } from '../../../adapters/memory/index.js'
import {
  createTestSystem,
  type SharedWorld,
  type TestSystem,
  type TestUser,
  unwrap,
} from '../../../apps/testing/index.js'
import type { MessagePage } from '../../../core/ports/message-repo-port.js'
import type { SweepPort } from '../../../core/ports/sweep-port.js'
import { openRoomWorld, type RoomWorld, say } from '../room-world.js'

/** How often a process has asked its store since it was last asked this. */
function questionsOf({ ports }: TestSystem) {
  const asked = { access: vi.spyOn(ports.rooms, 'access'), page: vi.spyOn(ports.messages, 'page') }
  return () => {
    const counts = { access: asked.access.mock.calls.length, page: asked.page.mock.calls.length }
    for (const spy of Object.values(asked)) spy.mockClear()
    return counts
  }
}

const NONE = { access: 0, page: 0 }

/** Answers as things stood when it was asked, after the time that is set. */
function slowSweep({ database, clock }: SharedWorld) {
  const { sweep } = memoryRepos(database)
  const slow = {
    takesMs: 0,
    asked: 0,
    async sweep(...asked: Parameters<SweepPort['sweep']>) {
      slow.asked += 1
      const found = await sweep.sweep(...asked)
      const { takesMs } = slow
      if (takesMs > 0) await new Promise<void>((resolve) => void clock.after(takesMs, resolve))
      return found
    },
  }
  return slow
}

describe('hot reads of a room that a process follows', () => {
  let world: RoomWorld
  /** The process that writes, and another one that reads. */
  let here: TestSystem
  let there: TestSystem
  let questions: ReturnType<typeof questionsOf>
  let sweep: ReturnType<typeof slowSweep>

  const list = (by: TestUser, input: { minSeq?: number; before?: number; limit?: number } = {}) =>
    there.parley.listMessages.execute(by.actor, { roomId: world.roomId, ...input })
  const read = async (by = world.member, input = {}): Promise<MessagePage> => unwrap(await list(by, input))
  const loseHints = () => here.bus.close()

  beforeEach(async () => {
    here = createTestSystem({ limitFactor: 1_000 })
    world = await openRoomWorld(here, 5)
    sweep = slowSweep(here.shared)
    there = createTestSystem({ shared: here.shared, ports: { sweep } })
    await Promise.all([here.parley.start(), there.parley.start()])
    await Promise.all([here, there].map(({ parley }) => parley.roomFeed.track(world.roomId)))
    questions = questionsOf(there)
  })

  it('ask nobody once they were answered', async () => {
    const first = await read()
    questions()
    expect(await read()).toEqual(first)
    expect(questions()).toEqual(NONE)
  })

  it('ask who reads, each member once, and who is none each time', async () => {
    await read()
    expect(questions()).toEqual({ access: 1, page: 1 })
    await read(world.owner)
    expect(questions()).toEqual({ access: 1, page: 0 })
    for (let time = 0; time < 2; time += 1) expect((await list(world.outsider)).ok).toBe(false)
    expect(questions()).toEqual({ access: 2, page: 0 })
  })

  it('show what another process wrote as soon as its hint is there', async () => {
    await read()
    await say(here, world.roomId, world.owner, 'news')
    await here.clock.advance(0)
    expect((await read()).messages.at(-1)?.text).toBe('news')
  })

  it('are never older than the seq they name, though no hint came (fault R19)', async () => {
    await read()
    loseHints()
    const { seq } = await say(here, world.roomId, world.owner, 'news')
    expect((await read()).messages.at(-1)?.text).not.toBe('news')
    expect((await read(world.member, { minSeq: seq })).messages.at(-1)?.text).toBe('news')
    expect(await list(world.member, { minSeq: seq + 1 })).toMatchObject({
      refusal: { code: 'VALIDATION_FAILED' },
    })
  })

  it('show a lost change a second later at most, and nothing to who was removed', async () => {
    await read()
    await read(world.observer)
    loseHints()
    const last = world.messages.at(-1)
    unwrap(await here.parley.deleteMessage.execute(world.owner.actor, { messageId: last?.id ?? '' }))
    const left = { roomId: world.roomId, userId: world.observer.user.id }
    unwrap(await here.parley.removeMember.execute(world.owner.actor, left))
    await here.clock.advance(1_001)
    expect((await read()).messages.at(-1)).toMatchObject({ id: last?.id, text: '' })
    expect(await list(world.observer)).toMatchObject({ refusal: { code: 'NOT_FOUND' } })
  })

  it.each([20, 100, 250])('ask nobody at any time where each sweep takes %i ms', async (takesMs) => {
    await read()
    sweep.takesMs = takesMs
    questions()
    for (let passedMs = 0; passedMs < 4_000; passedMs += 10) {
      await here.clock.advance(10)
      await read()
      expect(questions(), `after ${passedMs} ms`).toEqual(NONE)
    }
  })

  it.each([0, 250, 400, 5_000])(
    'let nobody read for more than a second after their removal where each sweep takes %i ms',
    async (takesMs) => {
      await read(world.observer)
      loseHints()
      sweep.takesMs = takesMs
      // Until one has begun that will not find it.
      for (const { asked } = { ...sweep }; sweep.asked === asked; ) await here.clock.advance(10)
      const left = { roomId: world.roomId, userId: world.observer.user.id }
      unwrap(await here.parley.removeMember.execute(world.owner.actor, left))
      await here.clock.advance(1_001)
      expect(await list(world.observer)).toMatchObject({ refusal: { code: 'NOT_FOUND' } })
    },
  )

  it.each([
    ['no sweep gets through', 1_001],
    ['the process stood still (fault N3)', 60_000],
    ['its clock was set back (fault N6)', -3_600_000],
  ])('ask the store where %s', async (_, passedMs) => {
    await read()
    loseHints()
    const left = { roomId: world.roomId, userId: world.member.user.id }
    unwrap(await here.parley.removeMember.execute(world.owner.actor, left))
    // Time passes, and no timer of it fires.
    there.clock.set(there.clock.nowMs() + passedMs)
    expect(await list(world.member)).toMatchObject({ refusal: { code: 'NOT_FOUND' } })
  })

  it('ask the store while events are missing of which the process knows', async () => {
    await read()
    here.shared.bus.route = () => []
    await say(here, world.roomId, world.owner, 'first')
    here.shared.bus.route = () => [0]
    await say(here, world.roomId, world.owner, 'second')
    await here.clock.advance(0)
    expect((await read()).messages.at(-1)?.text).toBe('second')
  })

  it('remember nobody of a room that the process no longer follows', async () => {
    there.parley.roomFeed.untrack(world.roomId)
    for (let time = 0; time < 2; time += 1) {
      await read()
      expect(questions()).toMatchObject({ access: 1 })
    }
    expect(await there.ports.cache.get(`member:${world.roomId}:${world.member.user.id}`, 0)).toBeNull()
  })

  it('name the head of the room where nothing was done to messages since, and ask nobody', async () => {
    const { headSeq } = await read()
    const left = { roomId: world.roomId, userId: world.observer.user.id }
    unwrap(await here.parley.removeMember.execute(world.owner.actor, left))
    await here.clock.advance(0)
    expect((await read()).headSeq).toBe(headSeq + 1)
    questions()
    expect((await read()).headSeq).toBe(headSeq + 1)
    expect(questions()).toEqual(NONE)
  })

  it('ask for older pages each time', async () => {
    const before = world.messages[3]?.seq ?? 0
    const older = await read(world.member, { before })
    questions()
    expect(await read(world.member, { before })).toEqual(older)
    expect(questions()).toEqual({ access: 0, page: 1 })
  })
})

describe('a cache that two processes share', () => {
  let world: RoomWorld
  let cache: MemoryCache
  let here: TestSystem
  let there: TestSystem

  const readOf = async ({ parley }: TestSystem, by = world.member, input = {}): Promise<MessagePage> =>
    unwrap(await parley.listMessages.execute(by.actor, { roomId: world.roomId, ...input }))
  /** All entries of the room as they are now, put again as a cache does that was restored from a snapshot. */
  const snapshot = async () => {
    const keys = [`page:${world.roomId}:50`, `member:${world.roomId}:${world.member.user.id}`]
    const entries = await Promise.all(keys.map(async (key) => [key, await cache.get(key, 0)] as const))
    return async () => {
      for (const [key, entry] of entries) {
        if (entry === null) throw new Error(`${key} was not cached`)
        await cache.drop(key)
        await cache.put(key, entry.version, entry.value, 60_000)
      }
    }
  }

  beforeEach(async () => {
    here = createTestSystem({ limitFactor: 1_000 })
    cache = new MemoryCache(here.clock)
    const first = createTestSystem({ shared: here.shared, ports: { cache } })
    world = await openRoomWorld(here, 5)
    here = first
    there = createTestSystem({ shared: here.shared, ports: { cache } })
    await Promise.all([here.parley.start(), there.parley.start()])
    await Promise.all([here, there].map(({ parley }) => parley.roomFeed.track(world.roomId)))
  })

  it('spares the one what the other has read', async () => {
    await readOf(here)
    const questions = questionsOf(there)
    await readOf(there)
    expect(questions()).toEqual(NONE)
  })

  it('holds nothing of a text that was taken back or changed', async () => {
    const { id: messageId } = world.messages[4] ?? { id: '' }
    const { editMessage, deleteMessage } = here.parley
    const isEmptiedBy = async (change: () => Promise<unknown>) => {
      await readOf(there)
      expect(await cache.get(`page:${world.roomId}:50`, 0)).not.toBeNull()
      await change()
      expect(await cache.get(`page:${world.roomId}:50`, 0)).toBeNull()
    }
    const text = 'calmer words'
    await isEmptiedBy(async () => unwrap(await editMessage.execute(world.owner.actor, { messageId, text })))
    await isEmptiedBy(async () => unwrap(await deleteMessage.execute(world.owner.actor, { messageId })))
  })

  it('gives up at once what a message or a removal has made old', async () => {
    const { roomId, member, owner } = world
    await readOf(here)
    const keys = [`page:${roomId}:50`, `member:${roomId}:${member.user.id}`]
    const isHeld = () => Promise.all(keys.map(async (key) => (await cache.get(key, 0)) !== null))
    expect(await isHeld()).toEqual([true, true])
    await say(here, roomId, owner, 'news')
    expect(await isHeld()).toEqual([false, true])
    unwrap(await here.parley.removeMember.execute(owner.actor, { roomId, userId: member.user.id }))
    expect(await isHeld()).toEqual([false, false])
  })

  it('brings no deleted text back when it returns old (fault R4, fault R18)', async () => {
    await readOf(here)
    const restore = await snapshot()
    const { id: messageId } = world.messages[4] ?? { id: '' }
    unwrap(await here.parley.deleteMessage.execute(world.owner.actor, { messageId }))
    await here.clock.advance(0)
    await restore()
    for (const process of [here, there])
      expect((await readOf(process)).messages.at(-1)).toMatchObject({ id: messageId, text: '' })
  })

  it('lets no removed member in when it returns old (fault R4, fault R18)', async () => {
    await readOf(here)
    const restore = await snapshot()
    const { roomId, member, owner } = world
    unwrap(await here.parley.removeMember.execute(owner.actor, { roomId, userId: member.user.id }))
    await here.clock.advance(0)
    await restore()
    for (const { parley } of [here, there])
      expect(await parley.listMessages.execute(member.actor, { roomId })).toMatchObject({
        refusal: { code: 'NOT_FOUND' },
      })
  })

  it('keeps pages for as long as is set when they are stored', async () => {
    const lifetimes = { sessionMs: 1, memberMs: 60_000, messagesMs: 10_000 }
    const system = createTestSystem({
      shared: here.shared,
      settings: { lifetimes },
      ports: { cache: new MemoryCache(here.clock, { random: () => 0.5 }) },
    })
    await system.parley.start()
    await system.parley.roomFeed.track(world.roomId)
    const questions = questionsOf(system)
    const loadsAfter = async (ms: number) => {
      await here.clock.advance(ms)
      await readOf(system)
      return questions().page
    }
    expect([await loadsAfter(0), await loadsAfter(9_000), await loadsAfter(2_000)]).toEqual([1, 0, 1])
    lifetimes.messagesMs = 1_000
    expect([await loadsAfter(11_000), await loadsAfter(1_100)]).toEqual([1, 1])
  })
})
