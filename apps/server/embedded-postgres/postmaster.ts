import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterPlace } from './data-directory.js'
import { codeOf, EmbeddedPostgresFailed } from './errors.js'
import type { PostgresLog } from './log-file.js'
import { spawnServer } from './postgres-process.js'
import { clearEmptyPostmasterFile, disownPostmasterFile, readPostmasterFile } from './postmaster-file.js'
import { postmasterState } from './process-state.js'
import { serverArguments } from './settings.js'

/** A cluster and what it takes to run it. */
export interface Cluster {
  readonly place: ClusterPlace
  /** Path of the program `postgres`. */
  readonly program: string
  readonly settings: Readonly<Record<string, string>>
  readonly log: PostgresLog
}

export interface RunningPostgres {
  readonly pid: number
  readonly port: number
  /** False: it was running already, left by an earlier server. */
  readonly started: boolean
}

const POLL_MS = 10
const RETRY_MS = 50
const FAST_SHUTDOWN_MS = 10_000
const IMMEDIATE_SHUTDOWN_MS = 10_000

/** Endings of a start that are worth another try: a race with another starter, or leftovers on their way out. */
const PASSING =
  /"postmaster\.pid" already exists|pre-existing shared memory block|lock file .* is empty|Address already in use/

/**
 * Answers the Postgres that runs on this cluster: an orphan that is healthy is adopted, one that is going down
 * is waited for, a stale pid file is overcome, and where none is left one is started (on `port`, if given).
 */
export async function ensureRunning(
  cluster: Cluster,
  port: number | null,
  deadlineMs: number,
): Promise<RunningPostgres> {
  const { clusterDir } = cluster.place
  let status = 'not started'
  while (Date.now() < deadlineMs) {
    const found = await readPostmasterFile(clusterDir)
    const state = found?.pid ? await postmasterState(found.pid, clusterDir) : 'gone'
    if (found !== null && found.pid === null) {
      await clearEmptyPostmasterFile(clusterDir)
    } else if (found?.pid && state === 'ours') {
      if (found.status === 'ready' && found.port !== null) {
        return { pid: found.pid, port: found.port, started: false }
      }
      status = found.status
    } else {
      if (state === 'foreign') await disownPostmasterFile(clusterDir)
      const running = await start(cluster, port ?? (await freePort()), deadlineMs)
      if (running !== null) return running
    }
    await sleep(RETRY_MS)
  }
  throw new EmbeddedPostgresFailed(
    `Postgres did not get ready in time (${status}): ${await cluster.log.tail()} (log: ${cluster.log.path})`,
  )
}

/** Null when the start failed for a passing reason. */
async function start(cluster: Cluster, port: number, deadlineMs: number): Promise<RunningPostgres | null> {
  const { place, log } = cluster
  await log.bound()
  const written = await log.size()
  const file = await log.open()
  const args = serverArguments(place.clusterDir, port, cluster.settings)
  const child = spawnServer(cluster.program, args, place.account, file.fd)
  let ending: string | null = null
  child.once('error', (error) => {
    ending = error.message
  })
  child.once('exit', (code, signal) => {
    ending = `ended with ${signal ?? `code ${code}`}`
  })
  try {
    while (Date.now() < deadlineMs) {
      if (ending !== null) return await judge(ending, await log.tail(written), log.path)
      const found = await readPostmasterFile(place.clusterDir)
      if (found !== null && found.pid === child.pid && found.status === 'ready') {
        return { pid: found.pid ?? 0, port, started: true }
      }
      await sleep(POLL_MS)
    }
  } finally {
    await file.close()
  }
  return null
}

async function judge(ending: string, tail: string, logPath: string): Promise<null> {
  if (PASSING.test(tail)) return null
  throw new EmbeddedPostgresFailed(
    `The embedded Postgres did not start (${ending}): ${tail} (log: ${logPath})`,
  )
}

/** Fast shutdown, then the immediate one; resolves when the process is gone. */
export async function stopPostmaster(clusterDir: string, pid: number): Promise<void> {
  const steps: [NodeJS.Signals, number][] = [
    ['SIGINT', FAST_SHUTDOWN_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
  ]
  for (const [signal, patienceMs] of steps) {
    if ((await postmasterState(pid, clusterDir)) !== 'ours') return
    send(pid, signal)
    const deadlineMs = Date.now() + patienceMs
    while (Date.now() < deadlineMs) {
      if ((await postmasterState(pid, clusterDir)) !== 'ours') return
      await sleep(POLL_MS)
    }
  }
  throw new EmbeddedPostgresFailed(`The embedded Postgres (pid ${pid}) did not stop.`)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new EmbeddedPostgresFailed('No free port found.')
  return address.port
}
