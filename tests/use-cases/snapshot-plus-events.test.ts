import { describe, expect, it } from 'vitest'
import { applyEvents, createTestSystem, unwrap } from '../../apps/testing/index.js'
import { PAGE_LIMIT } from '../../core/domain/page.js'
import { freshSnapshot, openRoomWorld, startInMemory } from './room-world.js'
import { SILENT, type SilentCall } from './silent-use-cases.js'
import { proveScenario } from './snapshot-proof.js'
import { type Scenario, WRITING } from './writing-use-cases.js'

const isUseCase = (part: unknown): boolean =>
  typeof part === 'object' && part !== null && 'execute' in part && typeof part.execute === 'function'

const useCases = Object.entries(createTestSystem().parley)
  .filter(([, part]) => isUseCase(part))
  .map(([name]) => name)

/** Writes the first event of a room, so that no snapshot comes before it; proved on its own below. */
const OPENING = ['createRoom']

describe('snapshot and events', () => {
  it('cover every use case of the facade: it writes to rooms, or is proved not to', () => {
    const covered = [...Object.keys(WRITING), ...Object.keys(SILENT), ...OPENING]
    expect(covered.toSorted()).toEqual(useCases.toSorted())
  })

  for (const [useCase, scenarios] of Object.entries<Record<string, Scenario>>(WRITING))
    it.each(Object.entries(scenarios))(
      `${useCase} causes events that lead from a snapshot to a fresh one: %s`,
      (_name, scenario) => proveScenario(scenario, startInMemory),
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
    const world = await openRoomWorld(startInMemory(), 21)
    const { commits, database } = world.system
    const headsOf = () => [...database.rooms.values()].map(({ room, heads }) => [room.id, heads])
    const [before, committedBefore] = [headsOf(), commits.length]
    await call(world)
    expect(headsOf()).toEqual(before)
    expect(commits.length).toBe(committedBefore)
  })
})
