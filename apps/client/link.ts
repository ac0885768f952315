import { Connection, type Ending } from './connection.js'
import { ParleyError, toParleyError } from './errors.js'
import type { Endpoint } from './http.js'
import type { LoginKeeper } from './login-keeper.js'
import type { Observer } from './observer.js'
import type { Environment, SocketFactory } from './options.js'
import { Renewal } from './renewal.js'
import { callSafely, Store } from './store.js'
import type { ConnectionSnapshot } from './types.js'
import { backoffMs, type Deadline, Pause, tooLate } from './waiting.js'
import type { Pushes, PushName } from './wire.js'

export type LinkParts = {
  readonly endpoint: Endpoint
  readonly keeper: LoginKeeper
  readonly environment: Environment
  readonly observer: Observer
  readonly factory: SocketFactory
  readonly socketOptions: Record<string, unknown>
}

export type LinkListener = {
  readonly onOpen?: () => void
  readonly onClosed?: () => void
  readonly onPush?: <N extends PushName>(name: N, payload: Pushes[N]) => void
}

/** A connection that lasted this long was a good one, and the next attempts start from the beginning. */
const HELD_MS = 5_000
const IDLE: ConnectionSnapshot = { status: 'idle', url: null, attempt: 0, error: null }

/** Keeps a connection for as long as it is started, over as many sockets as that takes. */
export class Link {
  readonly state = new Store<ConnectionSnapshot>(IDLE)
  private readonly listeners = new Set<LinkListener>()
  private readonly waiters = new Set<(error: ParleyError | null) => void>()
  private readonly pause: Pause
  /** Of the login whose connection is kept; null while stopped. */
  private run: { readonly key: string } | null = null
  private connection: Connection | null = null
  private renewal: Renewal | null = null
  private isOpen = false
  private attempt = 0
  /** The token that the server did not take. */
  private refusedToken: string | null = null

  constructor(private readonly parts: LinkParts) {
    this.pause = new Pause(parts.environment)
  }

  listen(listener: LinkListener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  start(key: string): void {
    this.stop(new ParleyError('SIGNED_OUT', 'Another login has taken its place.'))
    this.attempt = 0
    this.refusedToken = null
    this.run = { key }
    void this.keep(this.run)
  }

  stop(error: ParleyError): void {
    this.run = null
    this.connection?.end({ reason: error.code, error })
    this.pause.end()
    for (const settle of [...this.waiters]) settle(error)
    this.state.set(IDLE)
  }

  /** Leaves the present connection, or the wait for one, and tries at once. */
  restart(reason: string): void {
    this.attempt = 0
    this.connection?.end({ reason, error: new ParleyError('DISCONNECTED', reason), retryAfterMs: 0 })
    this.pause.end()
  }

  /** The network may be back: waits no longer for the next attempt, and looks whether an open connection still answers. */
  hurry(): void {
    this.pause.end()
    this.renewal?.probe()
  }

  get online(): boolean {
    return this.isOpen
  }

  /** One attempt on the connection that there is now. */
  emit(name: string, payload: object, withinMs: number): Promise<unknown> {
    if (this.connection === null || !this.isOpen)
      return Promise.reject(new ParleyError('DISCONNECTED', 'There is no connection.'))
    return this.connection.emit(name, payload, withinMs)
  }

  /** Resolves while there is a connection. */
  whenOnline(deadline: Deadline): Promise<void> {
    if (this.isOpen) return Promise.resolve()
    if (this.run === null) return Promise.reject(new ParleyError('SIGNED_OUT', 'Nobody is signed in.'))
    const { environment } = this.parts
    return new Promise((resolve, reject) => {
      const settle = (error: ParleyError | null): void => {
        if (!this.waiters.delete(settle)) return
        environment.clearTimeout(timer)
        if (error === null) resolve()
        else reject(error)
      }
      const timer = environment.setTimeout(() => settle(tooLate('a connection', false)), deadline.leftMs)
      this.waiters.add(settle)
    })
  }

  /** The server did not take the token of this connection: renewing it shows whether the login has ended. */
  doubtToken(): void {
    this.connection?.end({
      reason: 'UNAUTHENTICATED',
      error: new ParleyError('UNAUTHENTICATED', 'The server did not take the token.'),
    })
  }

  private async keep(run: { readonly key: string }): Promise<void> {
    while (this.run === run) {
      this.show('connecting', null)
      const ending = await this.connectOnce(run).catch((error: unknown): Ending => {
        const told = toParleyError(error)
        return { reason: told.code, error: told, retryAfterMs: told.retryAfterMs }
      })
      if (this.run !== run) return
      if (ending.ended !== undefined && ending.ended !== 'expired') {
        await this.parts.keeper.end(run.key, ending.ended)
        return
      }
      const { retryAfterMs } = ending
      const waitMs = retryAfterMs === 0 ? 0 : backoffMs(this.attempt, this.parts.environment, retryAfterMs)
      this.attempt += 1
      this.show('waiting', ending.error)
      await this.pause.for(waitMs)
    }
  }

  /** From an attempt to the end of what came of it. */
  private async connectOnce(run: object): Promise<Ending> {
    const { keeper, endpoint, environment } = this.parts
    const token = await keeper.accessToken(this.refusedToken)
    if (this.run !== run) return { reason: 'stopped', error: null }
    const connection = this.prepare(endpoint.next(), token)
    this.connection = connection
    const failure = await connection.open()
    if (failure === null) this.opened(connection)
    const openedMs = environment.monotonicMs()
    const renewal = failure === null ? new Renewal(connection, token, keeper, environment) : null
    this.renewal = renewal
    const ending = failure ?? (await connection.whenEnded())
    renewal?.close()
    const isTokenRefused = ending.ended === 'expired' || ending.error?.code === 'UNAUTHENTICATED'
    this.refusedToken = isTokenRefused ? (renewal?.token ?? token) : null
    if (environment.monotonicMs() - openedMs >= HELD_MS) this.attempt = 0
    return ending
  }

  private prepare(url: string, token: string): Connection {
    const connection: Connection = new Connection({
      ...this.parts,
      url,
      token,
      onPush: (name, payload) => {
        for (const { onPush } of [...this.listeners]) callSafely(() => onPush?.(name, payload))
      },
      onEnd: () => this.closed(connection),
    })
    return connection
  }

  private opened(connection: Connection): void {
    if (this.connection !== connection) return
    this.isOpen = true
    this.show('online', null)
    for (const settle of [...this.waiters]) settle(null)
    for (const { onOpen } of [...this.listeners]) callSafely(() => onOpen?.())
  }

  private closed(connection: Connection): void {
    if (this.connection !== connection) return
    this.connection = null
    if (!this.isOpen) return
    this.isOpen = false
    for (const { onClosed } of [...this.listeners]) callSafely(() => onClosed?.())
  }

  private show(status: ConnectionSnapshot['status'], error: ParleyError | null): void {
    const { state, attempt } = this
    const url = this.connection?.url ?? state.getSnapshot().url
    state.set({ status, url, attempt, error })
  }
}
