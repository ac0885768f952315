import type { HistoryWriter } from '../checker/history-file.js'
import type { Draw } from './draw.js'
import type { CampaignDatabase, CampaignRedis, Instance } from './parts.js'
import type { Device } from './workload/device.js'
import type { Devices } from './workload/devices.js'
import type { Doubled } from './workload/doubled.js'
import type { RoomRecord } from './workload/rooms.js'
import type { Stage } from './workload/stage.js'

export type { CampaignDatabase, CampaignRedis, Instance }

/** What a fault may touch. */
export interface World {
  readonly seed: number
  /** For what the schedule leaves open; never for times or targets. */
  readonly draw: Draw
  readonly instances: readonly Instance[]
  readonly database: CampaignDatabase
  /** Null where the topology has none. */
  readonly redis: CampaignRedis | null
  /** The clients of the workload, and more of them where a fault needs many. */
  readonly devices: Devices
  /** Of the workload. */
  readonly rooms: readonly RoomRecord[]
  readonly doubled: Doubled
  /** One more room, which the workload leaves alone and which is read and judged at the end like the others. */
  addRoom(room: RoomRecord): void
  /** Has somebody do something, as the workload does. */
  operate<T>(operation: (stage: Stage) => Promise<T>): Promise<T>
  /** For what a fault does as a client of its own. */
  readonly writer: HistoryWriter
  /** Answers the instance of a step's target. */
  instance(name: string): Instance
  /** The same for a client (`d1`, `d2`, …). */
  device(name: string): Device
  /** The busiest room, in which everybody is. */
  readonly hotRoom: RoomRecord
  /** Writes a nemesis line beside those that the runner writes at the start and heal of each step. */
  note(act: string, target: string): void
  say(line: string): void
}
