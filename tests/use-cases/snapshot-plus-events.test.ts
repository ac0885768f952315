import { describe, expect, it } from 'vitest'
import { applyEvents, createTestSystem, type TestUser, unwrap } from '../../apps/testing/index.js'
import { PAGE_LIMIT } from '../../core/domain/page.js'
import type { RoomEvent, RoomSnapshot } from '../../core/domain/room-event.js'
import { freshSnapshot, openRoomWorld, type RoomWorld, withoutMarkers } from './room-world.js'
import { SILENT, type SilentCall } from './silent-use-cases.js'
import { type Scenario, WRITING } from './writing-use-cases.js'

const isUseCase = (part: unknown): boolean =>
  typeof part === 'object' && part !== null && 'execute' in part && typeof part.execute === 'function'

const useCases = Object.entries(createTestSystem().parley)
  .filter(([, part]) => isUseCase(part))
  .map(([name]) => name)

/** Writes the first event of a room, so that no snapshot comes before it; proved on its own below. */
const OPENING = ['createRoom']

type Replay = Readonly<Record<'synced' | 'committed' | 'delivered', readonly RoomEvent[]>>

/** The events that `act` caused, in each way in which a client may get them. */
async function eventsOf(world: RoomWorld, act: () => Promise<unknown>): Promise<Replay> {
  const { system, roomId, owner } = world
  const elsewhere = createTestSystem({ shared: system.shared })
  await elsewhere.parley.start()
  const delivered: RoomEvent[] = []
  elsewhere.parley.roomFeed.onEvents((id, events) => {
    if (id === roomId) delivered.push(...events)
  })
  await elsewhere.parley.roomFeed.track(roomId)
  const { headSeq } = unwrap(await system.parley.getRoom.execute(owner.actor, { roomId }))
  const committedBefore = system.commits.length
  await act()
  await system.clock.advance(2_000)
  elsewhere.parley.stop()
  const committed = system.commits
    .slice(committedBefore)
    .flatMap((commit) => (commit.roomId === roomId ? commit.events : []))
  const { events: synced } = unwrap(
    await system.parley.syncRoom.execute(owner.actor, { roomId, since: headSeq, limit: 500 }),
  )
  return { synced, committed, delivered }
}

const everyone = ({ owner, moderator, member, observer, outsider }: RoomWorld): readonly TestUser[] => [
  owner,
  moderator,
  member,
  observer,
  outsider,
]

async function snapshotsOf(world: RoomWorld): Promise<ReadonlyMap<TestUser, RoomSnapshot | null>> {
  const snapshots = new Map<TestUser, RoomSnapshot | null>()
  for (const reader of everyone(world))
    snapshots.set(reader, await freshSnapshot(world.system, world.roomId, reader))
  return snapshots
}

const seqsOf = (events: readonly RoomEvent[]) => events.map((event) => event.seq)

async function proves(scenario: Scenario): Promise<void> {
  const world = await openRoomWorld()
  const act = await scenario(world)
  const before = await snapshotsOf(world)
  const replay = await eventsOf(world, act)
  const after = await snapshotsOf(world)
  expect(replay.synced.length).toBeGreaterThan(0)
  let compared = 0
  for (const [way, events] of Object.entries(replay)) {
    expect(seqsOf(events), way).toEqual(seqsOf(replay.synced))
    for (const [reader, snapshot] of before) {
      const fresh = after.get(reader) ?? null
      if (snapshot === null || fresh === null) continue
      const { user } = reader
      const view = { userId: user.id, messageLimit: PAGE_LIMIT.default }
      const applied = applyEvents(snapshot, events, view)
      expect(withoutMarkers(applied), `${way}, as ${user.displayName} sees it`).toEqual(withoutMarkers(fresh))
      compared += 1
    }
  }
  expect(compared).toBeGreaterThanOrEqual(9)
}

describe('snapshot and events', () => {
  it('cover every use case of the facade: it writes to rooms, or is proved not to', () => {
    const covered = [...Object.keys(WRITING), ...Object.keys(SILENT), ...OPENING]
    expect(covered.toSorted()).toEqual(useCases.toSorted())
  })

  for (const [useCase, scenarios] of Object.entries<Record<string, Scenario>>(WRITING))
    it.each(Object.entries(scenarios))(
      `${useCase} causes events that lead from a snapshot to a fresh one: %s`,
      (_name, scenario) => proves(scenario),
    )

  it('createRoom causes events that lead from nothing to a snapshot', async () => {
    const system = createTestSystem()
    const owner = await system.signUpUser('Olive')
    const room = unwrap(await system.parley.createRoom.execute(owner.actor, { name: 'Home' }))
    const nothing = {
      room: { ...room, headSeq: 0 },
      headSeq: 0,
      role: 'owner',
      members: [],
      messages: [],
    } as const
    const input = { roomId: room.id, since: 0 }
    const { events } = unwrap(await system.parley.syncRoom.execute(owner.actor, input))
    const view = { userId: owner.user.id, messageLimit: PAGE_LIMIT.default }
    const fresh = await freshSnapshot(system, room.id, owner)
    expect(applyEvents(nothing, events, view)).toEqual(fresh)
    expect(system.commits.flatMap((commit) => commit.events)).toEqual(events)
    expect(fresh?.members).toHaveLength(1)
  })
})

describe('appends nothing to any room', () => {
  it.each(Object.entries<SilentCall>(SILENT))('%s', async (_useCase, call) => {
    const world = await openRoomWorld(21)
    const { commits, database } = world.system
    const headsOf = () => [...database.rooms.values()].map(({ room, heads }) => [room.id, heads])
    const [before, committedBefore] = [headsOf(), commits.length]
    await call(world)
    expect(headsOf()).toEqual(before)
    expect(commits.length).toBe(committedBefore)
  })
})
