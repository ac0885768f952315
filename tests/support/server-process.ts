import { type ChildProcess, type Serializable, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** From the root of the project, in which vitest and every npm script run; this file itself may run compiled, elsewhere. */
const MAIN = resolve('dist/apps/server/main.js')
const READY = /^Parley is ready: (http:\/\/\S+)$/

/** The server as users run it: a process of its own, from the build. */
export type RunningServer = {
  readonly url: string
  readonly pid: number
  /** Everything that it has written so far. */
  output(): string
  /** The exit code, once it has ended by itself or by a signal; null where the signal ended it. */
  ended(): Promise<number | null>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  signal(signal: NodeJS.Signals): void
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>
  /** To what listens inside the process, where it was started with a channel. */
  send(message: Serializable): void
}

export type HowToRun = {
  /** For Node itself, e.g. `--max-old-space-size=64`. */
  readonly nodeArguments?: readonly string[]
  readonly channel?: boolean
  /** The entry point of another build. */
  readonly main?: string
}

/** Starts a server with these variables only (besides PATH and the like) and waits until it is ready or has ended. */
export async function startServer(
  variables: Record<string, string>,
  readyWithinMs = 30_000,
  { nodeArguments = [], channel = false, main = MAIN }: HowToRun = {},
): Promise<RunningServer> {
  const child = spawn(process.execPath, ['--enable-source-maps', ...nodeArguments, main], {
    env: { ...cleanEnvironment(), PORT: '0', LOG_LEVEL: 'warn', ...variables },
    stdio: ['ignore', 'pipe', 'pipe', ...(channel ? (['ipc'] as const) : [])],
  })
  const exited = once(child, 'exit')
  let output = ''
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const ready = readLines(child, (line) => {
    output += `${line}\n`
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), readyWithinMs)
  const url = await Promise.race([ready, exited.then(() => null)])
  clearTimeout(timer)
  if (url === null || child.pid === undefined) throw new ServerDidNotStart(child.exitCode, output)
  return {
    url,
    pid: child.pid,
    output: () => output,
    signal: (signal) => child.kill(signal),
    send: (message) => child.send(message),
    ended: () => exited.then(() => child.exitCode),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await exited
      }
      return child.exitCode
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await exited
    },
  }
}

export class ServerDidNotStart extends Error {
  constructor(
    readonly exitCode: number | null,
    readonly output: string,
  ) {
    super(`The server ended with code ${exitCode} before it was ready:\n${output}`)
  }
}

/** Resolves with the URL of the ready line; goes on reading after it. */
function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      onLine(line)
      const url = READY.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
}

/** What configures Parley in this shell must not reach the servers of a test. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const configures = /^(PARLEY_|MEDIATOR_|REDIS_|DATABASE_|HOST$|PORT$|LOG_LEVEL$|NODE_ENV$|VITEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !configures.test(name)))
}
