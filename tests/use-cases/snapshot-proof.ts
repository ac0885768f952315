import { expect } from 'vitest'
import { applyEvents, type TestUser, unwrap } from '../../apps/testing/index.js'
import { PAGE_LIMIT } from '../../core/domain/page.js'
import type { RoomEvent, RoomSnapshot } from '../../core/domain/room-event.js'
import {
  freshSnapshot,
  openRoomWorld,
  type RoomWorld,
  type StartSystem,
  withoutMarkers,
} from './room-world.js'
import type { Scenario } from './writing-use-cases.js'

type Replay = Readonly<Record<'synced' | 'committed' | 'delivered', readonly RoomEvent[]>>

/** The events that `act` caused, in each way in which a client may get them. */
async function eventsOf(world: RoomWorld, start: StartSystem, act: () => Promise<unknown>): Promise<Replay> {
  const { system, roomId, owner } = world
  const elsewhere = start(system.shared)
  await elsewhere.parley.start()
  const delivered: RoomEvent[] = []
  elsewhere.parley.roomFeed.onEvents((id, events) => {
    if (id === roomId) delivered.push(...events)
  })
  await elsewhere.parley.roomFeed.track(roomId)
  const { headSeq } = unwrap(await system.parley.getRoom.execute(owner.actor, { roomId }))
  const committedBefore = system.commits.length
  await act()
  const committed = system.commits
    .slice(committedBefore)
    .flatMap((commit) => (commit.roomId === roomId ? commit.events : []))
  const { events: synced } = unwrap(
    await system.parley.syncRoom.execute(owner.actor, { roomId, since: headSeq, limit: 500 }),
  )
  const head = synced.at(-1)?.seq ?? headSeq
  await expect
    .poll(
      async () => {
        await system.clock.advance(100)
        return delivered.at(-1)?.seq
      },
      { timeout: 5_000 },
    )
    .toBe(head)
  elsewhere.parley.stop()
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

/** Proves that everyone's snapshot from before plus the events that `scenario` causes is a fresh snapshot. */
export async function proveScenario(scenario: Scenario, start: StartSystem): Promise<void> {
  const world = await openRoomWorld(start())
  const act = await scenario(world)
  const before = await snapshotsOf(world)
  const replay = await eventsOf(world, start, act)
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
