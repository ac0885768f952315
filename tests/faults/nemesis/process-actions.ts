import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { eventually } from '../../support/postgres-cluster.js'
import type { FaultyServer } from './faulty-server.js'

/** Ends what an action began. Harmless where it is over already. */
export type Heal = () => Promise<void>

/** One server process that can be started again; an instance of the campaign is one. */
export interface ProcessTarget {
  /** Its present or last life. */
  readonly server: FaultyServer
  start(): Promise<void>
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
}

const ENDS_WITHIN_MS = 30_000

export async function kill(target: ProcessTarget): Promise<Heal> {
  await target.kill()
  return () => target.start()
}

export type Termination = { readonly code: number | null; readonly tookMs: number }

export async function terminate(
  target: ProcessTarget,
  onEnd: (termination: Termination) => void = () => undefined,
): Promise<Heal> {
  const startedMs = performance.now()
  const code = await target.stop()
  onEnd({ code, tookMs: performance.now() - startedMs })
  return () => target.start()
}

/** SIGSTOP: the process keeps everything that it holds, and does nothing. */
export async function suspend({ server }: ProcessTarget): Promise<Heal> {
  server.signal('SIGSTOP')
  return async () => server.signal('SIGCONT')
}

export async function stall({ server }: ProcessTarget, options: { readonly ms: number }): Promise<Heal> {
  server.send({ do: 'stall', ms: options.ms })
  return async () => undefined
}

export type Crash = 'throw' | 'reject' | 'fill-heap'

/**
 * Makes a bug strike and waits for the end of the process. `throw` strikes with what the process reads next, be it an answer of
 * its database. `onEnd` is told the exit code: null where a signal ended it, as V8 does at the limit of the heap.
 */
export async function crash(
  target: ProcessTarget,
  { how, onEnd }: { readonly how: Crash; readonly onEnd?: (code: number | null, output: string) => void },
): Promise<Heal> {
  const { server } = target
  let hasEnded = false
  const ended = server.ended().then((code) => {
    hasEnded = true
    onEnd?.(code, server.output())
  })
  server.send({ do: how })
  await eventually('the process ends', () => hasEnded, ENDS_WITHIN_MS)
  await ended
  return () => target.start()
}

export async function shiftClock(
  { server }: ProcessTarget,
  options: { readonly byMs: number },
): Promise<Heal> {
  server.send({ do: 'shift-clock', byMs: options.byMs })
  return async () => server.send({ do: 'shift-clock', byMs: 0 })
}

export const openFiles = async (pid: number): Promise<number> => (await descriptorsOf(pid)).size

const descriptorsOf = async (pid: number): Promise<ReadonlySet<number>> =>
  new Set((await readdir(`/proc/${pid}/fd`)).map(Number))

/** Leaves the process room for `spare` more descriptors than it has now. Linux only. */
export async function limitFiles(
  { server }: ProcessTarget,
  options: { readonly spare: number },
): Promise<Heal> {
  const before = await fileLimit(server.pid)
  const taken = await descriptorsOf(server.pid)
  // The limit is on the number of a new descriptor, which is the lowest that is free.
  let limit = 0
  for (let free = 0; free < options.spare; limit += 1) if (!taken.has(limit)) free += 1
  await setFileLimit(server.pid, `${limit}:`)
  return () => setFileLimit(server.pid, `${before}:`)
}

async function fileLimit(pid: number): Promise<string> {
  const { stdout } = await promisify(execFile)('prlimit', [
    '--pid',
    String(pid),
    '--nofile',
    '--output=SOFT',
    '--noheadings',
  ])
  return stdout.trim()
}

const setFileLimit = async (pid: number, limit: string): Promise<void> => {
  await promisify(execFile)('prlimit', ['--pid', String(pid), `--nofile=${limit}`])
}
