import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { stopPostmaster } from '../../apps/server/embedded-postgres/postmaster.js'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import type { OwnerEvent } from './embedded-postgres-owner.js'

/** Stops the Postgres of a cluster whoever started it, if one runs. */
export async function stopCluster(clusterDir: string): Promise<void> {
  const present = await stat(clusterDir).catch(() => null)
  const running = present === null ? null : await readPostmasterFile(clusterDir)
  if (running?.pid) await stopPostmaster(clusterDir, running.pid)
}

const PREFIX = 'parley-test-postgres-'

async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  // It is closed to others; as root, the account of the database has to pass through it.
  await chmod(path, 0o711)
  return path
}

/** A run that was killed leaves its clusters behind; the pid of who made them is in the name. */
export async function sweepKilledRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const name of names) {
    if (await isAlive(Number.parseInt(name.slice(PREFIX.length), 10))) continue
    const path = join(tmpdir(), name)
    await stopCluster(join(path, 'data', 'postgres'))
    await rm(path, { recursive: true, force: true })
  }
}

export interface TemporaryDirectory {
  readonly path: string
  /** Not there yet. */
  readonly dataDir: string
  /** Stops what may still run in `dataDir` and removes everything. */
  remove(): Promise<void>
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await newDirectory()
  const dataDir = join(path, 'data')
  const remove = async () => {
    await stopCluster(join(dataDir, 'postgres'))
    await rm(path, { recursive: true, force: true })
  }
  return { path, dataDir, remove }
}

/** Answers once `condition` holds; fails with `what` at the deadline. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 20_000,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`)
    await sleep(10)
  }
}

/** A running owner program and what it has said so far. */
export class OwnerProcess {
  readonly events: OwnerEvent[] = []
  readonly child: ChildProcess

  constructor(program: string, dataDir: string, mode: 'hold' | 'write' = 'hold') {
    this.child = spawn(process.execPath, [program, dataDir, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const { stdout } = this.child
    if (stdout === null) throw new Error('The owner program has no output.')
    createInterface(stdout).on('line', (line) => this.events.push(JSON.parse(line)))
  }

  async outcome(): Promise<Extract<OwnerEvent, { event: 'ready' | 'failed' }>> {
    const find = () => this.events.find(({ event }) => event === 'ready' || event === 'failed')
    await eventually('the owner program starts or fails', () => find() !== undefined, 60_000)
    const found = find()
    if (found?.event !== 'ready' && found?.event !== 'failed') throw new Error('unreachable')
    return found
  }

  async ready(): Promise<Extract<OwnerEvent, { event: 'ready' }>> {
    const outcome = await this.outcome()
    if (outcome.event === 'failed') throw new Error(outcome.message)
    return outcome
  }

  acked(): string[] {
    return this.events.flatMap((event) => (event.event === 'acked' ? [event.row] : []))
  }

  /** Sends the signal and waits until the process ended, with all that it printed read. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    await closed
  }
}
