import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../../adapters/memory/index.js'
import { type ProxyMode, UP, type Way } from './proxy-modes.js'
import { Relay, type Verdict } from './relay.js'

export type { ProxyMode, Verdict, Way }

/** Looks at what passes over one connection and may stop it. */
export type Tap = (chunk: Buffer, way: Way) => Verdict

export type ProxyOptions = {
  /** Of the jitter. */
  readonly seed?: number
}

const passAll: Tap = () => 'pass'

const LISTEN_ATTEMPTS = 50

/** Stands between clients and a server, and fails as the mode of the moment says. */
export class TcpProxy {
  private readonly pairs = new Set<Pair>()
  private current: ProxyMode = UP
  private readonly chance: () => number
  private newTap: () => Tap = () => passAll

  private constructor(
    private readonly server: Server,
    private readonly port: number,
    private target: URL,
    seed: number,
  ) {
    const next = seededRandom(seed)
    this.chance = () => next() / 2 ** 32
    server.on('connection', (client) => this.accept(client))
  }

  static async start(targetUrl: string, options: ProxyOptions = {}): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TcpProxy(server, (server.address() as AddressInfo).port, new URL(targetUrl), options.seed ?? 1)
  }

  /** The URL of the target, by way of this proxy; the same for as long as it lives. */
  get url(): string {
    const url = new URL(this.target)
    url.host = `127.0.0.1:${this.port}`
    // A bare origin is written without the slash that URL puts behind it.
    return url.href.endsWith('/') && url.pathname === '/' ? url.href.slice(0, -1) : url.href
  }

  /** Connections that are open, or that one side believes to be. */
  get open(): number {
    return this.pairs.size
  }

  /** Where new connections go from now on, as after a restart on another port. */
  pointTo(targetUrl: string): void {
    this.target = new URL(targetUrl)
  }

  /**
   * Gives each connection a tap of its own, those that are open as well as those that come; null: none. What the tap before it held
   * passes, past the new one.
   */
  tapWith(newTap: (() => Tap) | null): void {
    this.newTap = newTap ?? (() => passAll)
    for (const pair of this.pairs) pair.replaceTap(this.newTap())
  }

  /** From which ports the target is connected to now. */
  get portsToTarget(): readonly number[] {
    return [...this.pairs].flatMap(({ portToTarget }) => portToTarget ?? [])
  }

  async set(mode: ProxyMode): Promise<void> {
    this.current = mode
    for (const pair of [...this.pairs]) pair.apply(mode)
    if (mode.is === 'down') await this.stopListening()
    else if (!this.server.listening) await this.listen()
  }

  /** Resets what is open; what comes is treated as the mode says. */
  cut(): void {
    for (const pair of [...this.pairs]) pair.reset()
  }

  async close(): Promise<void> {
    for (const pair of [...this.pairs]) pair.destroy()
    await this.stopListening()
  }

  private accept(client: Socket): void {
    if (this.current.is === 'reset') {
      client.on('error', () => undefined)
      client.resetAndDestroy()
      return
    }
    const target = connect({
      port: Number(this.target.port),
      host: this.target.hostname,
      allowHalfOpen: true,
      noDelay: true,
    })
    client.setNoDelay(true)
    const pair = new Pair(client, target, this.current, this.chance, this.newTap())
    this.pairs.add(pair)
    pair.onGone(() => this.pairs.delete(pair))
  }

  private async stopListening(): Promise<void> {
    if (!this.server.listening) return
    this.server.close()
    // Not its `close` event: that waits for every connection.
    while (this.server.listening) await sleep(1)
  }

  /** The port was free a moment ago; another process can have it for a while only. */
  private async listen(): Promise<void> {
    for (let left = LISTEN_ATTEMPTS; ; left -= 1) {
      this.server.listen(this.port, '127.0.0.1')
      const error = await once(this.server, 'listening').then(
        () => null,
        (reason: unknown) => reason,
      )
      if (error === null) return
      if (left === 0) throw error
      await sleep(100)
    }
  }
}

/** The two halves of one connection through the proxy. */
class Pair {
  private readonly relays: readonly Relay[]
  private hasVanished = false
  private open = 2
  private gone: () => void = () => undefined

  constructor(
    private readonly client: Socket,
    private readonly target: Socket,
    mode: ProxyMode,
    chance: () => number,
    private tap: Tap,
  ) {
    const reset = () => this.reset()
    const relay = (source: Socket, sink: Socket, way: Way) =>
      new Relay(source, sink, mode, { way, chance, reset, inspect: (chunk) => this.tap(chunk, way) })
    this.relays = [relay(client, target, 'to-target'), relay(target, client, 'to-client')]
    this.watch(client, target)
    this.watch(target, client)
  }

  get portToTarget(): number | undefined {
    return this.target.localPort
  }

  onGone(listener: () => void): void {
    this.gone = listener
  }

  replaceTap(tap: Tap): void {
    this.tap = tap
    for (const relay of this.relays) relay.release()
  }

  apply(mode: ProxyMode): void {
    if (mode.is === 'down') this.destroy()
    else if (mode.is === 'reset') this.reset()
    else if (mode.is === 'half-open') this.vanish()
    else for (const relay of this.relays) relay.apply(mode)
  }

  reset(): void {
    for (const socket of [this.client, this.target]) socket.resetAndDestroy()
  }

  destroy(): void {
    for (const socket of [this.client, this.target]) socket.destroy()
  }

  private vanish(): void {
    this.hasVanished = true
    for (const relay of this.relays) relay.stop()
    this.client.resetAndDestroy()
  }

  /** A broken connection breaks the other half the same way; one that ended in order has passed its FIN already. */
  private watch(socket: Socket, other: Socket): void {
    let wasReset = false
    socket.on('error', () => {
      wasReset = true
    })
    socket.on('close', () => {
      this.open -= 1
      if (this.open === 0) this.gone()
      if (this.hasVanished && other === this.target) return
      if (wasReset) other.resetAndDestroy()
      else if (!socket.readableEnded || !socket.writableFinished) other.destroy()
    })
  }
}
