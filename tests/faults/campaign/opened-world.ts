import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { HistoryWriter } from '../checker/history-file.js'
import { type OwnedRedis, startRedis } from './campaign-redis.js'
import { type OwnedDatabase, startDatabase } from './cluster.js'
import { outOfScopeOf, type PhasesMs, topologyOf, workloadOf } from './defaults.js'
import { type Draw, drawFor } from './draw.js'
import type { Fault, WorkloadShape } from './fault.js'
import { type OwnedInstance, openInstance } from './instances.js'
import { versionsOf } from './versions.js'
import { Devices } from './workload/devices.js'
import { Doubled } from './workload/doubled.js'
import { inGroups, openRooms, type RoomRecord } from './workload/rooms.js'
import type { Stage } from './workload/stage.js'
import { Texts } from './workload/texts.js'

export type RunOptions = {
  readonly fault: Fault
  readonly seed: number
  readonly processes: number
  readonly seconds: number
  /** Gets a folder for each run. */
  readonly folder: string
  readonly say: (line: string) => void
  /** In place of what the fault and the defaults say, e.g. for a short run. */
  readonly workload?: Partial<WorkloadShape>
  readonly phasesMs?: Partial<PhasesMs>
}

/** Servers, people, rooms and the history of one run, before anything happens. */
export type OpenedWorld = {
  readonly run: string
  readonly historyPath: string
  readonly writer: HistoryWriter
  readonly database: OwnedDatabase
  readonly redis: OwnedRedis | null
  readonly instances: readonly OwnedInstance[]
  readonly devices: Devices
  /** Those of the workload and those of the fault. */
  readonly rooms: RoomRecord[]
  readonly stage: Stage
  readonly shape: WorkloadShape
  close(): Promise<void>
}

export async function openWorld(options: RunOptions): Promise<OpenedWorld> {
  const { fault, seed } = options
  const topology = topologyOf(fault)
  const processes = Math.max(options.processes, topology.minProcesses)
  const run = `${fault.name}-${processes}p-seed${seed}-${randomBytes(3).toString('hex')}`
  const path = join(options.folder, run)
  await mkdir(path, { recursive: true })
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of closing.reverse()) await step()
  }
  try {
    const database = await startDatabase(topology)
    closing.push(() => database.stop())
    const redis = topology.redis === null ? null : await startRedis(topology.redis)
    if (redis !== null) closing.push(() => redis.stop())
    const variables = {
      PARLEY_AUTH_SECRET: randomBytes(48).toString('base64url'),
      PARLEY_LIMIT_FACTOR: '1000',
    }
    const setup = { database, redis, topology, variables, draw: drawFor(Date.now() % 2 ** 31, run) }
    const instances: OwnedInstance[] = []
    closing.push(() => Promise.all(instances.map((instance) => instance.close())))
    for (let index = 0; index < processes; index += 1) instances.push(await openInstance({ ...setup, index }))
    await Promise.all(instances.map((instance) => instance.start()))

    const historyPath = join(path, 'history.jsonl')
    const writer = new HistoryWriter(historyPath, {
      run,
      seed,
      configuration: {
        fault: fault.name,
        processes,
        workload: { ...workloadOf(fault), ...options.workload },
        ...(await versionsOf(database, redis)),
      },
      instances: instances.map(({ name }) => name),
      outOfScope: outOfScopeOf(fault),
    })
    const socketOptions = { transports: [...workloadOf(fault).transports] }
    const devices = new Devices(writer, instances, run, socketOptions)
    closing.push(() => devices.close())
    const peopled = await people(options, { writer, instances, devices, draw: drawFor(seed, 'workload') })
    return {
      run,
      historyPath,
      writer,
      database,
      redis,
      instances,
      devices,
      close,
      ...peopled,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Ground = {
  readonly writer: HistoryWriter
  readonly instances: readonly OwnedInstance[]
  readonly devices: Devices
  readonly draw: Draw
}

async function people({ fault, seed, workload }: RunOptions, { writer, instances, devices, draw }: Ground) {
  const shape = { ...workloadOf(fault), ...workload }
  const accounts = await devices.signUp(shape.people)
  const spies = await devices.signUp(shape.spies, 'spy')
  const rooms = await openRooms(writer, { people: accounts, shape, instances, draw: drawFor(seed, 'rooms') })
  await inGroups(accounts, 4, (account) => devices.add(account))
  await Promise.all(
    rooms.flatMap(({ id, members }) =>
      [...members].flatMap((account) => devices.of(account).map((device) => device.openRoom(id).ready())),
    ),
  )
  const stage: Stage = {
    writer,
    draw,
    instances,
    rooms,
    devicesOf: devices.of,
    spies,
    texts: new Texts(),
    doubled: new Doubled(),
  }
  return { shape, rooms: [...rooms], stage }
}
