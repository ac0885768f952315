import type { HistoryWriter } from '../../checker/history-file.js'
import type { Draw } from '../draw.js'
import type { Instance } from '../parts.js'
import type { WorkloadShape } from '../shape.js'
import type { Account } from './account.js'
import { tryHttp } from './try-http.js'

export type Heat = 'hot' | 'warm' | 'cold'

/** A room as the workload knows it: who should be in it, by what was answered so far. */
export type RoomRecord = {
  readonly id: string
  readonly heat: Heat
  readonly owner: Account
  readonly members: Set<Account>
  /** Removed, and not back yet. */
  readonly former: Set<Account>
}

/** Members by heat; everybody is in the hot rooms. */
const MEMBERS = { warm: { min: 5, max: 8 }, cold: { min: 2, max: 3 } }

/** Draws the rooms and their members, makes them, and invites. */
export async function openRooms(
  writer: HistoryWriter,
  { people, shape, instances, draw }: RoomsSetup,
): Promise<RoomRecord[]> {
  const plans = (['hot', 'warm', 'cold'] as const).flatMap((heat) =>
    Array.from({ length: shape.rooms[heat] }, () => {
      const shuffled = draw.shuffled(people)
      const size = heat === 'hot' ? people.length : draw.between(MEMBERS[heat].min, MEMBERS[heat].max)
      return { heat, members: shuffled.slice(0, size), at: draw.pick(instances) }
    }),
  )
  return await inGroups(plans, 6, async ({ heat, members, at }, index) => {
    const [owner, ...guests] = members
    if (owner === undefined) throw new Error('a room has an owner')
    const id = await createRoom(writer, owner, at, `${heat} ${index}`)
    const room: RoomRecord = { id, heat, owner, members: new Set([owner]), former: new Set() }
    await inviteAll(writer, room, guests, instances)
    return room
  })
}

export type RoomsSetup = {
  readonly people: readonly Account[]
  readonly shape: Pick<WorkloadShape, 'rooms'>
  readonly instances: readonly Instance[]
  readonly draw: Draw
}

export async function createRoom(
  writer: HistoryWriter,
  owner: Account,
  at: Instance,
  name: string,
): Promise<string> {
  const made = await tryHttp(writer, at, {
    caller: owner.caller(at),
    request: { f: 'create' },
    route: 'POST /rooms',
    body: { name, mediation: 'off' },
    token: owner.login.accessToken,
  })
  if (made.is !== 'ok') throw new Error(`no room: ${made.code}`)
  return (made.data.room as { readonly id: string }).id
}

/** One invitation for all of them, which each accepts at some instance. */
export async function inviteAll(
  writer: HistoryWriter,
  room: RoomRecord,
  guests: readonly Account[],
  instances: readonly Instance[],
): Promise<void> {
  if (guests.length === 0) return
  const at = instances[0] as Instance
  const code = await untilDone(() => invite(writer, room, at, guests.length))
  if (code === null) throw new Error(`no invitation into ${room.id}`)
  await inGroups(guests, 8, async (guest, index) => {
    const door = instances[index % instances.length] as Instance
    const accepted = await untilDone(() => accept(writer, room, guest, door, code))
    if (!accepted) throw new Error(`${guest.name} did not get into ${room.id}`)
  })
}

const TRIES = 5

/** Repeats what may have failed because the machine is busy. */
async function untilDone<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left -= 1) {
    const result = await attempt()
    if (result || left === 1) return result
  }
}

/** The code of a new invitation, or null. */
export async function invite(
  writer: HistoryWriter,
  { id, owner }: RoomRecord,
  at: Instance,
  maxUses: number,
): Promise<string | null> {
  const made = await tryHttp(writer, at, {
    caller: owner.caller(at),
    request: { f: 'other', room: id },
    route: `POST /rooms/${id}/invitations`,
    body: { maxUses },
    token: owner.login.accessToken,
  })
  return made.is === 'ok' ? String(made.data.code) : null
}

/** Whether the guest is a member now, as far as the answer says. */
export async function accept(
  writer: HistoryWriter,
  room: RoomRecord,
  guest: Account,
  at: Instance,
  code: string,
): Promise<boolean> {
  const accepted = await tryHttp(writer, at, {
    caller: guest.caller(at),
    request: { f: 'accept', room: room.id },
    route: `POST /invitations/${code}/accept`,
    body: {},
    token: guest.login.accessToken,
  })
  if (accepted.is !== 'ok') return false
  room.members.add(guest)
  room.former.delete(guest)
  return true
}

/** Like `Promise.all` over `work`, so many at once. */
export async function inGroups<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T, index)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}
