import fc from 'fast-check'
import { expect } from 'vitest'
import { applyEvents, type TestSystem, type TestUser, unwrap } from '../../apps/testing/index.js'
import type { RoomEvent, RoomSnapshot } from '../../core/domain/room-event.js'
import { type RoomCommand, roomCommand, run } from './room-commands.js'
import { enter, type StartSystem, withoutMarkers } from './room-world.js'

type Bounds = { readonly commands: number; readonly runs: number }

/** Few, so that messages fall out of a snapshot soon. */
const MESSAGE_LIMIT = 4

async function openRoom(system: TestSystem) {
  const people: TestUser[] = []
  for (const name of ['Ann', 'Ben', 'Cem', 'Dee']) people.push(await system.signUpUser(name))
  const [owner, moderator, member] = people as [TestUser, TestUser, TestUser]
  const { id: roomId } = unwrap(await system.parley.createRoom.execute(owner.actor, { name: 'Home' }))
  await enter(system, roomId, owner, moderator, 'owner')
  await enter(system, roomId, owner, member, 'member')
  return { system, people, roomId }
}

type Opened = Awaited<ReturnType<typeof openRoom>>

/** Everyone's snapshot as it is now; null for who is no member. */
async function snapshotsOf({ system, people, roomId }: Opened): Promise<readonly (RoomSnapshot | null)[]> {
  return Promise.all(people.map(({ user }) => system.ports.rooms.snapshot(roomId, user.id, MESSAGE_LIMIT)))
}

/** Runs the commands one after the other, and answers everyone's snapshots before the first and after each. */
async function play(opened: Opened, commands: readonly RoomCommand[]) {
  const snapshots = [await snapshotsOf(opened)]
  for (const [index, command] of commands.entries()) {
    opened.system.clock.set(opened.system.clock.nowMs() + 1_000)
    await run(opened.system, opened.roomId, opened.people, command, index)
    snapshots.push(await snapshotsOf(opened))
  }
  return snapshots
}

function expectLeads(
  from: RoomSnapshot | null | undefined,
  events: readonly RoomEvent[],
  to: RoomSnapshot | null | undefined,
  userId: string,
): void {
  if (from == null || to == null) return
  const view = { userId, messageLimit: MESSAGE_LIMIT }
  expect(withoutMarkers(applyEvents(from, events, view))).toEqual(withoutMarkers(to))
}

/** Proves that from every moment, the log as it reads at the end leads to the last snapshot. */
export async function proveReplay(start: StartSystem, { commands: maxLength, runs: numRuns }: Bounds) {
  const proves = async (commands: readonly RoomCommand[]) => {
    const opened = await openRoom(start())
    const snapshots = await play(opened, commands)
    const page = await opened.system.ports.log.read(opened.roomId, 0, 10_000)
    const events = page?.events ?? []
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
    for (const moment of snapshots)
      for (const [index, { user }] of opened.people.entries())
        expectLeads(moment[index], events, snapshots.at(-1)?.[index], user.id)
  }
  await fc.assert(fc.asyncProperty(fc.array(roomCommand, { maxLength }), proves), { numRuns })
}

/** Proves that from the first moment, the events as they were committed lead to every later snapshot. */
export async function proveCommits(start: StartSystem, { commands: maxLength, runs: numRuns }: Bounds) {
  const proves = async (commands: readonly RoomCommand[]) => {
    const opened = await openRoom(start())
    const [first, ...later] = await play(opened, commands)
    const events = opened.system.commits.flatMap((commit) => commit.events)
    for (const moment of later)
      for (const [index, { user }] of opened.people.entries()) {
        const head = moment[index]?.headSeq ?? 0
        const soFar = events.filter((event) => event.seq <= head)
        expectLeads(first?.[index], soFar, moment[index], user.id)
      }
  }
  await fc.assert(fc.asyncProperty(fc.array(roomCommand, { maxLength }), proves), { numRuns })
}
