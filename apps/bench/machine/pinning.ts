import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The server, with its databases, and the load each have a core of their own. */
const CORE = { server: 0, load: 1 } as const
export type Side = keyof typeof CORE

/** Null: both sides are pinned. Else why not, for the tables to say. */
export const unpinnedBecause: string | null = reason()

function reason(): string | null {
  if (availableParallelism() < 2) return 'one core only'
  const probe = spawnSync('taskset', ['-c', '1', process.execPath, '--version'])
  return probe.status === 0 ? null : 'no taskset here'
}

type SpawnOptions = { readonly channel?: boolean; readonly env?: NodeJS.ProcessEnv }

/** Starts Node on the core of a side; what it starts itself inherits that. */
export function spawnOn(side: Side, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const pinned = unpinnedBecause === null
  const command = pinned ? 'taskset' : process.execPath
  const prefix = pinned ? ['-c', String(CORE[side]), process.execPath] : []
  return spawn(command, [...prefix, ...args], {
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'inherit', ...(options.channel === true ? ['ipc' as const] : [])],
  })
}

export const coreOf = (side: Side): number => CORE[side]
