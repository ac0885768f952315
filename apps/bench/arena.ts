import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { populate, type Talk, tokenFor } from './composition/populate.js'
import { LoadProcess } from './load/load-process.js'
import type { Crowd, StepPlan, StepResult } from './load/protocol.js'
import type { Workspace } from './machine/workspace.js'
import { type RunningSystem, type SystemName, type SystemOptions, startSystem } from './systems/system.js'

/** Who is in which rooms, and what was said there before. */
export type Cast = {
  readonly people: number
  /** For each room its members, by index of the people. */
  readonly rooms: readonly (readonly number[])[]
  /** What was said before; of Parley's rooms alone. */
  readonly talk?: readonly Talk[]
}

/** A cast, and who of it sends where. */
export type Scene = Cast & { readonly senders: StepPlan['senders'] }

/** A system that does not run yet: its data directory with the people and rooms in it. */
export type Prepared = {
  readonly name: SystemName
  readonly dataDir: string
  readonly crowd: Omit<Crowd, 'urls'>
  start(options?: Pick<SystemOptions, 'nodeArgs' | 'channel' | 'port'>): Promise<RunningSystem>
}

/**
 * The people and rooms of a scene as a system knows them, in place of those before: a system has one data directory a run.
 * The references take everyone for who they say they are.
 */
export async function prepare(name: SystemName, cast: Cast, workspace: Workspace): Promise<Prepared> {
  const { authSecret } = workspace
  const dataDir = join(workspace.path, name)
  const roomsOf: number[][] = Array.from({ length: cast.people }, () => [])
  cast.rooms.forEach((members, room) => {
    for (const member of members) roomsOf[member]?.push(room)
  })
  const { roomIds, tokens } = name === 'parley' ? await register(cast, dataDir, authSecret) : invent(cast)
  const clients = tokens.map((token, index) => ({ token, rooms: roomsOf[index] ?? [] }))
  return {
    name,
    dataDir,
    crowd: { roomIds, clients },
    start: (options = {}) => startSystem(name, { ...options, dataDir, authSecret }),
  }
}

function invent({ people, rooms }: Cast) {
  return {
    roomIds: rooms.map(() => randomUUID() as string),
    tokens: Array.from({ length: people }, (_, index) => `person-${index}`),
  }
}

async function register(cast: Cast, dataDir: string, authSecret: string) {
  const { people, roomIds } = await populate({ talk: [], ...cast, dataDir, authSecret })
  return { roomIds, tokens: await Promise.all(people.map((person) => tokenFor(authSecret, person))) }
}

/** One system with its people in it, and the load connected to it. */
export type Contender<Name extends string = SystemName> = {
  readonly name: Name
  step(perSecond: number, durationMs: number): Promise<StepResult>
  close(): Promise<void>
}

export async function enterArena(
  prepared: Prepared,
  senders: StepPlan['senders'],
  options: Pick<SystemOptions, 'nodeArgs' | 'channel'> = {},
): Promise<Contender & { readonly system: RunningSystem }> {
  const system = await prepared.start(options)
  const { name, crowd } = prepared
  return { ...(await connectTo(name, { ...system, urls: [system.url] }, crowd, senders)), system }
}

/** What the load speaks to: one process or several, and all that they are made of below one. */
export type Target = { readonly urls: Crowd['urls']; readonly pid: number; stop(): Promise<void> }

/** Connects the load to a system that runs, and ends both together. */
export async function connectTo<Name extends string>(
  name: Name,
  system: Target,
  crowd: Omit<Crowd, 'urls'>,
  senders: StepPlan['senders'],
): Promise<Contender<Name>> {
  const load = LoadProcess.start()
  const close = async () => {
    load.stop()
    await system.stop()
  }
  try {
    await load.connect({ ...crowd, urls: system.urls })
    return {
      name,
      step: (perSecond, durationMs) => load.step({ senders, serverPid: system.pid, perSecond, durationMs }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
