import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from 'vitest'
import { freePort } from './free-port.js'

const PROGRAM = process.env.REDIS_SERVER_PATH ?? 'redis-server'

const STARTS_WITHIN_MS = 10_000

const version = (): string | null => {
  try {
    return execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' })
  } catch {
    return null
  }
}

/** A suite on a real Redis. Without one it says so and counts as skipped; under CI=true it fails. */
export function describeWithRedis(name: string, suite: () => void): void {
  const isThere = version() !== null
  if (!isThere)
    process.stdout.write(`Skipped: ${name}, because there is no ${PROGRAM} (REDIS_SERVER_PATH).\n`)
  const mustRun = process.env.CI === 'true'
  describe.runIf(isThere || mustRun)(isThere ? name : `${name} (skipped: no redis-server)`, suite)
}

export type RedisServerOptions = {
  /** Lines of `redis.conf`, as name and value. */
  readonly config?: Readonly<Record<string, string>>
  readonly port?: number
}

/** A private Redis on a free port, empty, which can be killed, frozen and started again. */
export class RedisServer {
  private child: ChildProcess | null = null

  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly config: Readonly<Record<string, string>>,
  ) {}

  static async start({ config = {}, port }: RedisServerOptions = {}): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), `parley-test-redis-${process.pid}-`))
    const server = new RedisServer(port ?? (await freePort()), directory, config)
    await server.restart()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it again on its port, with what it has saved. */
  async restart(): Promise<void> {
    const settings = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: this.directory,
      save: '',
      appendonly: 'no',
      ...this.config,
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
    this.child = spawn(PROGRAM, args, { stdio: 'ignore' })
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

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.directory, { recursive: true, force: true })
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
