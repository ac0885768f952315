import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.js'

export const REDIS_PROGRAM = process.env.REDIS_SERVER_PATH ?? 'redis-server'

const STARTS_WITHIN_MS = 10_000

/** Of the `redis-server` of this machine; null where there is none. */
export function redisVersion(): string | null {
  try {
    const told = execFileSync(REDIS_PROGRAM, ['--version'], { encoding: 'utf8' })
    return /v=([\d.]+)/.exec(told)?.[1] ?? 'unknown'
  } catch {
    return null
  }
}

export type RedisServerOptions = {
  /** Lines of `redis.conf`, as name and value. */
  readonly config?: Readonly<Record<string, string>>
  readonly port?: number
  /** Whether it is a Sentinel, which keeps its configuration in a file of its own. */
  readonly isSentinel?: boolean
}

/** A private Redis on a free port, empty, which can be killed, frozen and started again. */
export class RedisServer {
  private child: ChildProcess | null = null

  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly config: Readonly<Record<string, string>>,
    private readonly isSentinel: boolean,
  ) {}

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await RedisServer.prepare(options)
    await server.restart()
    return server
  }

  /** One that does not run before `restart`. */
  static async prepare(options: RedisServerOptions = {}): Promise<RedisServer> {
    const { config = {}, port, isSentinel = false } = options
    const directory = await mkdtemp(join(tmpdir(), `parley-test-redis-${process.pid}-`))
    return new RedisServer(port ?? (await freePort()), directory, config, isSentinel)
  }

  get url(): string {
    const { requirepass } = this.config
    return `redis://${requirepass === undefined ? '' : `:${requirepass}@`}127.0.0.1:${this.port}`
  }

  /** Starts it again on its port, with what it has saved and, in this life, more lines of `redis.conf`. */
  async restart(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.directory,
      ...(this.isSentinel ? {} : { save: '', appendonly: 'no' }),
      ...this.config,
      ...more,
    }
    const args = this.isSentinel
      ? [await this.sentinelFile(settings), '--sentinel']
      : Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    this.child = spawn(REDIS_PROGRAM, args, { stdio: 'ignore' })
    await this.accepts()
  }

  /** SIGKILL: what was not saved is lost. */
  async kill(): Promise<void> {
    const { child } = this
    this.child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): void {
    this.child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.child?.kill('SIGCONT')
  }

  /** Copies what it has saved to a file, for `loadFrom`. */
  async copySaved(to: string): Promise<void> {
    await copyFile(this.savedFile, to)
  }

  /** What it finds when it starts next; null: nothing. */
  async loadFrom(copy: string | null): Promise<void> {
    if (copy === null) await rm(this.savedFile, { force: true })
    else await copyFile(copy, this.savedFile)
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.directory, { recursive: true, force: true })
  }

  private get savedFile(): string {
    return join(this.directory, 'dump.rdb')
  }

  /** Written at the first start; from then on it holds what the Sentinel has learned. */
  private async sentinelFile(settings: Readonly<Record<string, string>>): Promise<string> {
    const file = join(this.directory, 'sentinel.conf')
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`)
    await writeFile(file, lines.join(''), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    return file
  }

  private async accepts(): Promise<void> {
    const deadlineMs = Date.now() + STARTS_WITHIN_MS
    while (!(await isOpen(this.port))) {
      if (this.child?.exitCode !== null) throw new Error(`redis-server ended with ${this.child?.exitCode}`)
      if (Date.now() > deadlineMs) throw new Error('redis-server does not listen')
      await sleep(10)
    }
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
