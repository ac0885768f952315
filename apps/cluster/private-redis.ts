import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const PROGRAM = 'redis-server'
const HOST = '127.0.0.1'
const POLL_MS = 20

export async function isRedisInstalled(): Promise<boolean> {
  return promisify(execFile)(PROGRAM, ['--version']).then(
    () => true,
    () => false,
  )
}

/** A Redis for this cluster alone, on loopback, with a password, that stores nothing. */
export class PrivateRedis {
  private readonly password = randomBytes(24).toString('base64url')

  private constructor(private readonly port: number) {}

  /** Nothing runs yet when this resolves. The port stays the same from start to start. */
  static async prepare(): Promise<PrivateRedis> {
    const server = createServer().listen(0, HOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    return new PrivateRedis(port)
  }

  get address(): string {
    return `${HOST}:${this.port}`
  }

  get url(): string {
    return `redis://:${this.password}@${this.address}`
  }

  launch(): ChildProcess {
    const child = spawn(PROGRAM, ['-'], { stdio: ['pipe', 'ignore', 'inherit'], detached: true })
    // It may be gone before it has read: its end tells that.
    child.stdin.on('error', () => undefined)
    // Not as arguments, which everybody on the machine can list.
    child.stdin.end(this.settings())
    return child
  }

  async serves(child: ChildProcess): Promise<string> {
    const isRunning = () => child.exitCode === null && child.signalCode === null
    while (!(await accepts(this.port)) && isRunning()) await sleep(POLL_MS)
    return this.address
  }

  private settings(): string {
    return [
      `bind ${HOST}`,
      `port ${this.port}`,
      `requirepass ${this.password}`,
      'save ""',
      'appendonly no',
      'maxmemory 128mb',
      'maxmemory-policy volatile-lru',
      'logfile /dev/null',
      '',
    ].join('\n')
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, HOST)
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
