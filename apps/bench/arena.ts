import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { populate, tokenFor } from './composition/populate.js'
import { LoadProcess } from './load/load-process.js'
import type { Crowd, StepPlan, StepResult } from './load/protocol.js'
import type { Workspace } from './machine/workspace.js'
import { countStatements } from './profile/statements.js'
import { type RunningSystem, type SystemName, type SystemOptions, startSystem } from './systems/system.js'

/** Who is in which rooms, and who sends. */
export type Scene = {
  readonly people: number
  /** For each room its members, by index of the people. */
  readonly rooms: readonly (readonly number[])[]
  readonly senders: StepPlan['senders']
}

/** One system with its people in it, and the load connected to it. */
export type Contender = {
  readonly name: SystemName
  readonly system: RunningSystem
  readonly dataDir: string
  readonly crowd: Crowd
  step(perSecond: number, durationMs: number): Promise<StepResult>
  close(): Promise<void>
}

export async function enterArena(
  name: SystemName,
  scene: Scene,
  workspace: Workspace,
  options: Pick<SystemOptions, 'nodeArgs' | 'channel'> & { readonly countStatements?: boolean } = {},
): Promise<Contender> {
  const dataDir = join(workspace.path, `${name}-${randomUUID().slice(0, 8)}`)
  const { authSecret } = workspace
  const cast = await castFor(name, scene, { dataDir, authSecret })
  if (options.countStatements === true) await countStatements(dataDir)
  const system = await startSystem(name, { ...options, dataDir, authSecret })
  const load = LoadProcess.start()
  const close = async () => {
    load.stop()
    await system.stop()
  }
  try {
    const crowd = { ...cast, url: system.url }
    await load.connect(crowd)
    const plan = { senders: scene.senders, serverPid: system.pid }
    return {
      name,
      system,
      dataDir,
      crowd,
      step: (perSecond, durationMs) => load.step({ ...plan, perSecond, durationMs }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The people and rooms of a scene as a system knows them; Parley's are made in its data directory first. */
export async function castFor(
  name: SystemName,
  { people, rooms }: Pick<Scene, 'people' | 'rooms'>,
  place: { readonly dataDir: string; readonly authSecret: string },
): Promise<Omit<Crowd, 'url'>> {
  const roomsOf: number[][] = Array.from({ length: people }, () => [])
  rooms.forEach((members, room) => {
    for (const member of members) roomsOf[member]?.push(room)
  })
  if (name !== 'parley') {
    const clients = roomsOf.map((own, index) => ({ token: `person-${index}`, rooms: own }))
    return { roomIds: rooms.map(() => randomUUID()), clients }
  }
  const made = await populate({ ...place, people, rooms })
  const clients = await Promise.all(
    made.people.map(async (person, index) => ({
      token: await tokenFor(place.authSecret, person),
      rooms: roomsOf[index] ?? [],
    })),
  )
  return { roomIds: made.roomIds, clients }
}
