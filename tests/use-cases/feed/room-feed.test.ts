import { beforeEach, describe, expect, it } from 'vitest'
import {
  MemoryBusHub,
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  memoryRepos,
  seededRandom,
} from '../../../adapters/memory/index.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import { LoginFeed } from '../../../core/use-cases/feed/login-feed.js'
import { RoomFeed } from '../../../core/use-cases/feed/room-feed.js'
import { Sweeper } from '../../../core/use-cases/feed/sweeper.js'
import { join, openRoom, type Person, send, signUp } from '../../contracts/store.js'

/** A process over the shared database and bus, and what it has delivered. */
async function startProcess(database: MemoryDatabase, hub: MemoryBusHub, clock: MemoryClock, seed: number) {
  const store = { ...memoryRepos(database), clock, ids: new MemoryIds(clock, seededRandom(seed)) }
  const bus = hub.endpoint()
  const ports = { ...store, bus }
  const rooms = new RoomFeed(ports)
  const logins = new LoginFeed(ports)
  const sweeper = new Sweeper(ports, { rooms, logins })
  const delivered: RoomEvent[] = []
  rooms.onEvents((_, events) => delivered.push(...events))
  await Promise.all([rooms.start(), logins.start()])
  await sweeper.start()
  return { store, bus, rooms, logins, delivered, seqs: () => delivered.map((event) => event.seq) }
}

type Process = Awaited<ReturnType<typeof startProcess>>

describe('RoomFeed', () => {
  let clock: MemoryClock
  let hub: MemoryBusHub
  let here: Process
  let there: Process
  let owner: Person
  let roomId: string

  beforeEach(async () => {
    clock = new MemoryClock()
    hub = new MemoryBusHub(clock)
    const database = new MemoryDatabase()
    here = await startProcess(database, hub, clock, 1)
    there = await startProcess(database, hub, clock, 2)
    owner = await signUp(here.store, 'Nora')
    roomId = (await openRoom(here.store, owner)).id
    await Promise.all([here.rooms.track(roomId), there.rooms.track(roomId)])
  })

  const sendMany = async (count: number, from: Process = here) => {
    for (let i = 0; i < count; i += 1) await send(from.store, roomId, owner, `message ${i}`)
  }

  it('delivers own commits at once, and those of other processes by hints', async () => {
    await sendMany(2)
    expect(here.seqs()).toEqual([2, 3])
    await clock.advance(5)
    expect(there.seqs()).toEqual([2, 3])
  })

  it('delivers nothing from before tracking began, and nothing of rooms that are not tracked', async () => {
    there.rooms.untrack(roomId)
    await sendMany(2)
    await there.rooms.track(roomId)
    await sendMany(1)
    await clock.advance(2_000)
    expect(there.seqs()).toEqual([4])
  })

  it('puts hints that come late and out of order into the order of the log (fault C5)', async () => {
    let n = 0
    hub.route = () => [[15, 1, 9, 3][n++ % 4] ?? 0]
    await sendMany(4)
    await clock.advance(19)
    expect(there.seqs()).toEqual([2, 3, 4, 5])
    expect([there.rooms.gapsFound(), there.rooms.gapsRepaired()]).toEqual([0, 0])
  })

  it('delivers a doubled hint once', async () => {
    hub.route = () => [0, 0, 7]
    await sendMany(3)
    await clock.advance(3_000)
    expect(there.seqs()).toEqual([2, 3, 4])
  })

  it('reads a gap from the log when the hint that would fill it does not come (pitfall 6)', async () => {
    let n = 0
    hub.route = () => (n++ === 0 ? [] : [0])
    await sendMany(2)
    await clock.advance(100)
    expect(there.seqs()).toEqual([2, 3])
    expect([there.rooms.gapsFound(), there.rooms.gapsRepaired()]).toEqual([1, 2])
  })

  it('counts a gap once that it cannot read at once', async () => {
    hub.route = () => []
    const { log } = there.store
    const read = log.read.bind(log)
    Object.assign(log, { read: () => Promise.reject(new Error('the store is away')) })
    await sendMany(2)
    await clock.advance(3_000)
    expect([there.rooms.gapsFound(), there.rooms.gapsRepaired()]).toEqual([1, 0])
    Object.assign(log, { read })
    await clock.advance(1_000)
    expect([there.rooms.gapsFound(), there.rooms.gapsRepaired()]).toEqual([1, 2])
    await sendMany(1)
    await clock.advance(1_000)
    expect([there.rooms.gapsFound(), there.rooms.gapsRepaired()]).toEqual([2, 3])
  })

  it('tells how long each hint was under way, where it says when it was sent', async () => {
    const lags: number[] = []
    there.rooms.onHint((lagMs) => lags.push(lagMs))
    hub.route = () => [15]
    await sendMany(2)
    await clock.advance(100)
    await here.bus.publish('rooms', JSON.stringify({ roomId, head: 1, memberIds: [] }))
    await clock.advance(100)
    expect(lags).toEqual([15, 15])
  })

  it('finds what a silent bus lost by the sweep, within a second (pitfalls 2 and 6)', async () => {
    hub.route = () => []
    await sendMany(3)
    await clock.advance(1_000)
    expect(there.seqs()).toEqual([2, 3, 4])
  })

  it('finds it within a quarter of a second where the bus says that it is in doubt, from then on', async () => {
    hub.route = () => []
    let isInDoubt = false
    Object.assign(there.bus, { isInDoubt: () => isInDoubt })
    await sendMany(1)
    await clock.advance(500)
    expect(there.seqs()).toEqual([])
    isInDoubt = true
    // And a little more, in which what is missing is read.
    await clock.advance(270)
    expect(there.seqs()).toEqual([2])
    await sendMany(1)
    await clock.advance(250)
    expect(there.seqs()).toEqual([2, 3])
    isInDoubt = false
    await sendMany(1)
    await clock.advance(500)
    expect(there.seqs()).toEqual([2, 3])
    await clock.advance(250)
    expect(there.seqs()).toEqual([2, 3, 4])
  })

  it('does not deliver a hint of old once the log was read past it, so a text deleted meanwhile stays away', async () => {
    hub.route = ({ message }) => (message.includes('secret words') ? [3_000] : [0])
    await send(here.store, roomId, owner, 'secret words')
    await clock.advance(1_500)
    const before = there.seqs()
    await clock.advance(5_000)
    expect(before).toEqual([2])
    expect(there.seqs()).toEqual([2])
  })

  it('tells of rooms that are not tracked too, and who joined or left in them', async () => {
    const touched: { roomId: string; head: number; memberIds: readonly string[] }[] = []
    there.rooms.onTouched((room) => touched.push(room))
    there.rooms.untrack(roomId)
    await sendMany(1)
    await clock.advance(5)
    expect(touched).toMatchObject([{ roomId, head: 2, memberIds: [] }])
  })

  describe('when no hint arrives', () => {
    const touched: { roomId: string; head: number; memberIds: readonly string[] }[] = []
    beforeEach(() => {
      touched.length = 0
      there.rooms.onTouched((room) => touched.push(room))
      hub.route = () => []
    })

    it('tells of a watched room within a second, once for each time that it has changed', async () => {
      there.rooms.untrack(roomId)
      await there.rooms.watch([roomId])
      await clock.advance(3_000)
      expect(touched).toEqual([])
      await sendMany(2)
      await clock.advance(1_000)
      expect(touched).toEqual([{ roomId, head: 3, memberIds: [] }])
      await clock.advance(3_000)
      expect(touched.length).toBe(1)
      there.rooms.unwatch(roomId)
      await sendMany(1)
      await clock.advance(3_000)
      expect(touched.length).toBe(1)
    })

    it('tells who joined a tracked room', async () => {
      const guest = await signUp(here.store, 'Gus')
      await join(here.store, roomId, guest)
      await clock.advance(1_100)
      expect(touched).toEqual([{ roomId, head: 2, memberIds: [guest.user.id] }])
    })

    it('finds a change of any of very many watched rooms within seconds', async () => {
      const fillers = Array.from({ length: 5_000 }, () => here.store.ids.next())
      const last = (await openRoom(here.store, owner)).id
      await there.rooms.watch([...fillers, last])
      await send(here.store, last, owner, 'unheard')
      await clock.advance(4_000)
      expect(touched).toEqual([{ roomId: last, head: 2, memberIds: [] }])
    })

    it('tells that there was a gap once the bus is back', async () => {
      let gaps = 0
      there.rooms.onGap(() => {
        gaps += 1
      })
      hub.cut(there.bus)
      await clock.advance(10)
      expect(gaps).toBe(0)
      hub.mend(there.bus, true)
      await clock.advance(10)
      expect(gaps).toBe(1)
    })
  })

  it('tells other processes who has read, and not its own', async () => {
    const [readHere, readThere]: [unknown[], unknown[]] = [[], []]
    here.rooms.onRead((reading) => readHere.push(reading))
    there.rooms.onRead((reading) => readThere.push(reading))
    const readings = Array.from({ length: 1_200 }, (_, i) => [roomId, `${i}`] as const)
    here.rooms.announceReads(readings)
    await clock.advance(5)
    expect(readHere).toEqual([])
    expect(readThere).toEqual(readings)
  })

  it('sends a hint without events where they are large, and reads them', async () => {
    const sizes: number[] = []
    hub.route = ({ message }) => {
      sizes.push(message.length)
      return [0]
    }
    await send(here.store, roomId, owner, 'x'.repeat(7_000))
    await clock.advance(100)
    expect(Math.max(...sizes)).toBeLessThan(1_000)
    expect(there.seqs()).toEqual([2])
  })

  it('sweeps at once after the bus had a gap', async () => {
    hub.cut(there.bus)
    await sendMany(1)
    await clock.advance(10)
    expect(there.seqs()).toEqual([])
    hub.mend(there.bus, true)
    await clock.advance(10)
    expect(there.seqs()).toEqual([2])
  })

  it('tells ended logins to all processes, and finds those that the bus lost', async () => {
    const first = {
      loginId: owner.login.id,
      userId: owner.user.id,
      reason: 'signed-out',
      endedAtMs: clock.nowMs(),
    } as const
    here.logins.announce([first])
    await clock.advance(5)
    expect(there.logins.hasEnded(first.loginId)).toBe(true)

    const second = await signUp(here.store, 'Sam')
    hub.route = () => []
    const ended = await here.store.logins.end(second.login.id, null, 'ended', clock.nowMs())
    expect(ended).not.toBeNull()
    await clock.advance(1_000)
    expect(there.logins.hasEnded(second.login.id)).toBe(true)
  })
})
