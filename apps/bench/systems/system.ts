import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnOn } from '../machine/pinning.js'
import { undoing } from '../machine/undoing.js'

export const SYSTEMS = ['bare', 'naive', 'parley'] as const
export type SystemName = (typeof SYSTEMS)[number]

export const TITLES: Record<SystemName, string> = {
  bare: 'bare Socket.io',
  naive: 'one transaction a message',
  parley: 'Parley',
}

const ENTRY: Record<SystemName, string> = {
  bare: './bare/main.js',
  naive: './naive/main.js',
  parley: '../../server/main.js',
}

/** As `npm start` starts the server; for the systems beside it as well. */
export const NODE_ARGS = [
  '--max-semi-space-size=64',
  '--no-allocation-site-pretenuring',
  '--incremental-marking-soft-trigger=80',
  '--incremental-marking-hard-trigger=95',
]

const READY = / is ready: (http:\/\/\S+)$/
const READY_WITHIN_MS = 60_000

export type SystemOptions = {
  readonly dataDir: string
  readonly authSecret: string
  /** Zero takes a free one. */
  readonly port?: number
  /** For Node itself. */
  readonly nodeArgs?: readonly string[]
  readonly channel?: boolean
}

/** A server under test: a process on the server's core, as its users start it. */
export type RunningSystem = {
  readonly name: SystemName
  readonly url: string
  readonly pid: number
  readonly child: ChildProcess
  /** From the start of the process to the line that says it is ready. */
  readonly readyMs: number
  stop(): Promise<void>
  /** SIGKILL, and the wait for its end; a database of its own lives on. */
  kill(): Promise<void>
}

export async function startSystem(name: SystemName, options: SystemOptions): Promise<RunningSystem> {
  const startedMs = performance.now()
  const entry = fileURLToPath(new URL(ENTRY[name], import.meta.url))
  const child = spawnOn('server', [...NODE_ARGS, ...(options.nodeArgs ?? []), entry], {
    channel: options.channel ?? false,
    env: environmentFor(options),
  })
  const exited = once(child, 'exit')
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
  }
  const stop = undoing(() => end('SIGTERM'))
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS)
  const url = await Promise.race([readyUrl(child), exited.then(() => null)])
  clearTimeout(timer)
  if (url === null || child.pid === undefined) throw new Error(`${name} ended before it was ready`)
  const readyMs = performance.now() - startedMs
  return { name, url, pid: child.pid, child, readyMs, stop, kill: () => end('SIGKILL') }
}

/** What a system is given, and nothing of what configures one in this shell. */
export function environmentFor({
  dataDir,
  authSecret,
  port = 0,
}: Pick<SystemOptions, 'dataDir' | 'authSecret' | 'port'>): NodeJS.ProcessEnv {
  const configures =
    /^(PARLEY_|MEDIATOR_|REDIS_|DATABASE_|HOST$|PORT$|LOG_LEVEL$|NODE_ENV$|NODE_OPTIONS$|VITEST)/
  const clean = Object.entries(process.env).filter(([variable]) => !configures.test(variable))
  return {
    ...Object.fromEntries(clean),
    PORT: String(port),
    LOG_LEVEL: 'warn',
    PARLEY_DATA_DIR: dataDir,
    PARLEY_AUTH_SECRET: authSecret,
    PARLEY_LIMIT_FACTOR: '1000',
    BENCH_DATA_DIR: dataDir,
  }
}

/** Goes on reading after the line, so that the process never waits for its reader. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = READY.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
}
