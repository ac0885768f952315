import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import { until } from './person.js'
import { cleanEnvironment } from './server-process.js'

const MAIN = resolve('dist/apps/cluster/main.js')
const READY_WITHIN_MS = 90_000

export type InstanceLine = { readonly number: number; readonly url: string; readonly pid: number }

/** The command as users run it, from the build, with what it has printed. */
export class ClusterProcess {
  readonly lines: string[] = []
  readonly errors: string[] = []
  private readonly closed: Promise<unknown>

  private constructor(private readonly child: ChildProcess) {
    this.closed = once(child, 'close')
    if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => this.lines.push(line))
    if (child.stderr !== null) createInterface(child.stderr).on('line', (line) => this.errors.push(line))
  }

  /** It need not be ready yet, nor become so. */
  static run(args: readonly string[], variables: Record<string, string> = {}): ClusterProcess {
    const env = {
      ...cleanEnvironment(),
      LOG_LEVEL: 'error',
      PARLEY_LIMIT_FACTOR: '1000',
      ...variables,
    }
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    return new ClusterProcess(child)
  }

  static async start(dataDir: string, instances: number): Promise<ClusterProcess> {
    const args = ['--instances', String(instances), '--port', '0']
    const cluster = ClusterProcess.run(args, { PARLEY_DATA_DIR: dataDir })
    await until('the cluster is ready', () => cluster.url !== '' || cluster.hasEnded, READY_WITHIN_MS)
    if (cluster.url === '') throw new Error(`The cluster did not start:\n${cluster.output}`)
    return cluster
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get url(): string {
    return this.find(/^Parley is ready: (http:\/\/\S+)$/)?.[1] ?? ''
  }

  /** Each start of each instance, in the order in which they were told. */
  get starts(): InstanceLine[] {
    return this.lines.flatMap((line) => {
      const [, number, url, pid] = /^Instance (\d+): (http:\/\/\S+) \(pid (\d+)\)\.$/.exec(line) ?? []
      return url === undefined ? [] : [{ number: Number(number), url, pid: Number(pid) }]
    })
  }

  get postgresPid(): number {
    return Number(this.find(/^Embedded Postgres (?:started|adopted): pid (\d+)/)?.[1])
  }

  /** Null where it runs without. */
  get redisPid(): number | null {
    const pid = this.find(/^Redis: \S+ \(pid (\d+)\)\.$/)?.[1]
    return pid === undefined ? null : Number(pid)
  }

  get output(): string {
    return [...this.lines, ...this.errors].join('\n')
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** The exit code, once it has ended and all its output is read; null where a signal ended it. */
  async ended(): Promise<number | null> {
    await this.closed
    return this.child.exitCode
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** From now on, what it writes finds nobody. */
  stopReading(): void {
    this.child.stdout?.destroy()
    this.child.stderr?.destroy()
  }

  /** SIGTERM, unless it has ended already. */
  async stop(): Promise<number | null> {
    if (!this.hasEnded) this.signal('SIGTERM')
    return this.ended()
  }

  private find(pattern: RegExp): RegExpExecArray | null {
    const found = this.lines.map((line) => pattern.exec(line)).filter((match) => match !== null)
    return found.at(-1) ?? null
  }
}

/** Those of these processes that are still there. */
export async function alive(pids: readonly number[]): Promise<number[]> {
  const states = await Promise.all(pids.map(async (pid) => ({ pid, isThere: await isAlive(pid) })))
  return states.filter(({ isThere }) => isThere).map(({ pid }) => pid)
}
