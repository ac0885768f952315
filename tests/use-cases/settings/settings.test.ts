import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestSystem, type TestSystem, unwrap } from '../../../apps/testing/index.js'
import type { CacheLifetimes, LifetimesPatch } from '../../../core/domain/cache-lifetimes.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import type { SettingsRepoPort } from '../../../core/ports/settings-repo-port.js'
import { SETTINGS_REREAD_MS } from '../../../core/use-cases/feed/settings-feed.js'
import { openRoomWorld, type RoomWorld } from '../room-world.js'

/** What the environment of these processes says. */
const DEFAULTS: CacheLifetimes = { sessionMs: 11_000, memberMs: 12_000, messagesMs: 13_000 }

/** A socket of neither of the processes. */
const SOCKET = 'elsewhere'

let world: RoomWorld
/** The process in which settings are changed, and another one. */
let here: TestSystem
let there: TestSystem

/** Another process of the same deployment, which follows the room. */
async function startProcess(ports: { storedSettings?: SettingsRepoPort } = {}): Promise<TestSystem> {
  const system = createTestSystem({ shared: here.shared, settings: { lifetimes: DEFAULTS }, ports })
  await system.parley.start()
  await system.parley.roomFeed.track(world.roomId)
  return system
}

const change = ({ parley }: TestSystem, lifetimes: LifetimesPatch) =>
  parley.changeSettings.execute({ lifetimes })

/** For how long a process keeps what it reads now, by the first word of the key; its settings are not asked for. */
async function lifetimesOf({ ports, parley }: TestSystem): Promise<Readonly<Record<string, number>>> {
  const kept: Record<string, number> = {}
  const put = vi.spyOn(ports.cache, 'put')
  await Promise.all(['page:', 'member:', 'session:'].map((scope) => ports.cache.drop(scope)))
  unwrap(await parley.listMessages.execute(world.member.actor, { roomId: world.roomId }))
  unwrap(await parley.findUserBySocket.execute({ socketId: SOCKET }))
  for (const [key, , , ttlMs] of put.mock.calls) kept[key.split(':')[0] ?? key] = ttlMs
  put.mockRestore()
  return kept
}

const pageIsKeptMs = async (system: TestSystem): Promise<number> => (await lifetimesOf(system)).page ?? 0

beforeEach(async () => {
  here = createTestSystem({ limitFactor: 1_000, settings: { lifetimes: DEFAULTS } })
  world = await openRoomWorld(here, 5)
  await here.parley.start()
  await here.parley.roomFeed.track(world.roomId)
  there = await startProcess()
  const elsewhere = createTestSystem({ shared: here.shared })
  unwrap(await elsewhere.parley.registerUser.execute(world.owner.actor, { socketId: SOCKET }))
})

describe('ChangeSettings', () => {
  it('is in force in its own process when it answers, and answers what is in force', async () => {
    expect(unwrap(await change(here, { messagesMs: 5_000 }))).toEqual({
      lifetimes: { ...DEFAULTS, messagesMs: 5_000 },
    })
    expect(await pageIsKeptMs(here)).toBe(5_000)
  })

  it('is in force in another process once the hint is there', async () => {
    unwrap(await change(here, { messagesMs: 5_000 }))
    await here.clock.advance(0)
    expect(await pageIsKeptMs(there)).toBe(5_000)
  })

  it('is in force for every cache', async () => {
    unwrap(await change(here, { sessionMs: 4_000, memberMs: 6_000, messagesMs: 5_000 }))
    await here.clock.advance(0)
    for (const system of [here, there])
      expect(await lifetimesOf(system)).toEqual({ session: 4_000, member: 6_000, page: 5_000 })
  })

  it('leaves what it does not name, whichever process changed that', async () => {
    unwrap(await change(here, { sessionMs: 4_000 }))
    expect(unwrap(await change(there, { messagesMs: 5_000 }))).toEqual({
      lifetimes: { ...DEFAULTS, sessionMs: 4_000, messagesMs: 5_000 },
    })
  })

  it('goes back to what the process was started with by null', async () => {
    unwrap(await change(here, { messagesMs: 5_000, memberMs: 6_000 }))
    expect(unwrap(await change(here, { messagesMs: null }))).toEqual({
      lifetimes: { ...DEFAULTS, memberMs: 6_000 },
    })
    await here.clock.advance(0)
    expect(await pageIsKeptMs(there)).toBe(DEFAULTS.messagesMs)
  })

  it.each([
    ['a name that is unknown', { messagesMs: 5_000, verdictMs: 5_000 }, 'lifetimes.verdictMs'],
    ['a lifetime below a second', { messagesMs: 999 }, 'lifetimes.messagesMs'],
  ])('refuses %s, and changes nothing', async (_, lifetimes, path) => {
    expect(await change(here, lifetimes)).toMatchObject({
      refusal: { code: 'VALIDATION_FAILED', details: [{ path }] },
    })
    expect(unwrap(await here.parley.getSettings.execute())).toEqual({ lifetimes: DEFAULTS })
  })

  it('outlasts the processes', async () => {
    unwrap(await change(here, { messagesMs: 5_000 }))
    for (const { parley } of [here, there]) parley.stop()
    expect(await pageIsKeptMs(await startProcess())).toBe(5_000)
  })
})

describe('a process that missed a change', () => {
  const changeUnheard = async () => {
    here.shared.bus.cut(there.bus)
    unwrap(await change(here, { messagesMs: 5_000 }))
  }

  it('finds it within seconds', async () => {
    await changeUnheard()
    await here.clock.advance(SETTINGS_REREAD_MS - 1)
    expect(await pageIsKeptMs(there)).toBe(DEFAULTS.messagesMs)
    await here.clock.advance(1)
    expect(await pageIsKeptMs(there)).toBe(5_000)
  })

  it('goes on looking', async () => {
    await here.clock.advance(3 * SETTINGS_REREAD_MS)
    await changeUnheard()
    await here.clock.advance(SETTINGS_REREAD_MS)
    expect(await pageIsKeptMs(there)).toBe(5_000)
    unwrap(await change(here, { messagesMs: 6_000 }))
    await here.clock.advance(SETTINGS_REREAD_MS)
    expect(await pageIsKeptMs(there)).toBe(6_000)
  })

  it('finds it at once after a gap of the bus', async () => {
    await changeUnheard()
    here.shared.bus.mend(there.bus, true)
    await here.clock.advance(0)
    expect(await pageIsKeptMs(there)).toBe(5_000)
  })

  it('finds it at once when an administrator asks there', async () => {
    await changeUnheard()
    expect(unwrap(await there.parley.getSettings.execute())).toEqual({
      lifetimes: { ...DEFAULTS, messagesMs: 5_000 },
    })
    expect(await pageIsKeptMs(there)).toBe(5_000)
  })

  it('looks no more once it is stopped', async () => {
    await changeUnheard()
    there.parley.stop()
    await here.clock.advance(3 * SETTINGS_REREAD_MS)
    expect(await pageIsKeptMs(there)).toBe(DEFAULTS.messagesMs)
  })
})

/** The store of a process as it sees it: slow, or away. */
function storeSeenBy(sound: SettingsRepoPort) {
  const store = {
    isAway: false,
    reads: 0,
    /** What each reading waits for after it has read. */
    onTheWay: Promise.resolve(),
    async read() {
      store.reads += 1
      if (store.isAway) throw new PortUnavailable('SettingsRepoPort', new Error('away'))
      const { onTheWay } = store
      const stored = await sound.read()
      await onTheWay
      return stored
    },
    change: (...args: Parameters<SettingsRepoPort['change']>) => sound.change(...args),
  }
  return store
}

function held() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

describe('what is in force', () => {
  let store: ReturnType<typeof storeSeenBy>

  beforeEach(async () => {
    store = storeSeenBy(here.ports.storedSettings)
    there = await startProcess({ storedSettings: store })
  })

  it('stays while the store is away, and follows it when it is back', async () => {
    unwrap(await change(here, { messagesMs: 5_000 }))
    await here.clock.advance(0)
    store.isAway = true
    unwrap(await change(here, { messagesMs: 6_000 }))
    await here.clock.advance(4 * SETTINGS_REREAD_MS)
    expect(await pageIsKeptMs(there)).toBe(5_000)
    await expect(there.parley.getSettings.execute()).rejects.toThrow(PortUnavailable)
    store.isAway = false
    await here.clock.advance(SETTINGS_REREAD_MS)
    expect(await pageIsKeptMs(there)).toBe(6_000)
  })

  it('is not brought back by a reading that took long', async () => {
    const { promise, release } = held()
    store.onTheWay = promise
    const slow = there.parley.getSettings.execute()
    unwrap(await change(there, { messagesMs: 5_000 }))
    release()
    expect(unwrap(await slow).lifetimes.messagesMs).toBe(5_000)
    expect(await pageIsKeptMs(there)).toBe(5_000)
  })

  it('is read once more where a hint comes while it is read', async () => {
    const { promise, release } = held()
    store.onTheWay = promise
    unwrap(await change(here, { messagesMs: 5_000 }))
    await here.clock.advance(0)
    for (const messagesMs of [6_000, 7_000, 8_000]) unwrap(await change(here, { messagesMs }))
    await here.clock.advance(0)
    const { reads } = store
    store.onTheWay = Promise.resolve()
    release()
    await here.clock.advance(0)
    expect(await pageIsKeptMs(there)).toBe(8_000)
    expect(store.reads).toBe(reads + 1)
  })

  it('follows a change that came while the process started', async () => {
    const { promise, release } = held()
    const late = storeSeenBy(here.ports.storedSettings)
    late.onTheWay = promise
    const starting = startProcess({ storedSettings: late })
    await here.clock.advance(0)
    late.onTheWay = Promise.resolve()
    unwrap(await change(here, { messagesMs: 5_000 }))
    // The hint has come, and what it has read is not waited for.
    await new Promise((resolve) => setImmediate(resolve))
    release()
    const started = await starting
    await here.clock.advance(0)
    expect(await pageIsKeptMs(started)).toBe(5_000)
  })

  it('is asked for no more than now and then while hints come twice', async () => {
    here.shared.bus.route = () => [0, 0, 10]
    const { reads } = store
    unwrap(await change(here, { messagesMs: 5_000 }))
    await here.clock.advance(20)
    expect(await pageIsKeptMs(there)).toBe(5_000)
    expect(store.reads).toBe(reads + 1)
  })

  it('goes back with a store that was restored', async () => {
    unwrap(await change(here, { messagesMs: 5_000 }))
    const backup = here.database.settings
    unwrap(await change(here, { messagesMs: 6_000 }))
    await here.clock.advance(0)
    here.database.settings = backup
    await here.clock.advance(SETTINGS_REREAD_MS)
    for (const system of [here, there]) expect(await pageIsKeptMs(system)).toBe(5_000)
  })
})
