import type { HistoryWriter } from '../../checker/history-file.js'
import type { Draw } from '../draw.js'
import type { Instance } from '../parts.js'
import type { Account } from './account.js'
import type { Device } from './device.js'
import type { Doubled } from './doubled.js'
import type { RoomRecord } from './rooms.js'
import type { Texts } from './texts.js'

/** Everybody and everything that an operation of the workload may use. */
export type Stage = {
  readonly writer: HistoryWriter
  readonly draw: Draw
  readonly instances: readonly Instance[]
  readonly rooms: readonly RoomRecord[]
  /** The devices of an account, its main one first. */
  readonly devicesOf: (account: Account) => readonly Device[]
  readonly spies: readonly Account[]
  readonly texts: Texts
  readonly doubled: Doubled
}

/** One thing that somebody does. Resolves when it is over; never rejects for what a server answers. */
export type Operation = (stage: Stage) => Promise<unknown>

/** An operation that tells whether it was done, for certain: there may be nothing to do it to, and it may be refused. */
export type Deed = (stage: Stage) => Promise<boolean>

export const anInstance = ({ instances, draw }: Stage): Instance => draw.pick(instances)

/** Another one than that, where there are several. */
export function otherInstance({ instances, draw }: Stage, than: Instance): Instance {
  const others = instances.filter(({ name }) => name !== than.name)
  return others.length === 0 ? than : draw.pick(others)
}

const HEAT = { hot: 40, warm: 40, cold: 20 }

/** By Zipf within its heat: the first room of a heat is busier than the second. */
export function aRoom({ rooms, draw }: Stage): RoomRecord {
  const ranks = { hot: 0, warm: 0, cold: 0 }
  const weights = rooms.map(({ heat }) => {
    ranks[heat] += 1
    return HEAT[heat] / ranks[heat]
  })
  return rooms[draw.weighted(weights)] as RoomRecord
}

/** A member with a device in that room that has a network; null where there is none at the moment. */
export function aMember(stage: Stage, room: RoomRecord): { account: Account; device: Device } | null {
  const present = [...room.members].flatMap((account) => {
    const device = stage.devicesOf(account)[0]
    return device?.rooms.has(room.id) && device.isSignedIn && !device.isAway ? [{ account, device }] : []
  })
  return present.length === 0 ? null : stage.draw.pick(present)
}
