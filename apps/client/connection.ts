import { ParleyError, refused } from './errors.js'
import type { Observer } from './observer.js'
import type { Environment, SocketFactory, SocketLike } from './options.js'
import { tooLate } from './waiting.js'
import type { Ack, Pushes, PushName, SessionEndReason, WireError } from './wire.js'

/** Socket.io's limit of a whole request is 64 KiB, beyond which the server cuts the connection instead of answering. */
const REQUEST_MAX_BYTES = 65_000
const CONNECT_WITHIN_MS = 12_000

/** Why a connection ended or was not made. */
export type Ending = {
  readonly reason: string
  readonly error: ParleyError | null
  readonly retryAfterMs?: number | undefined
  /** What the server said of the login, where that is why. */
  readonly ended?: Exclude<SessionEndReason, 'draining' | 'too-slow'>
}

type Parts = {
  readonly url: string
  readonly token: string
  readonly socketOptions: Record<string, unknown>
  readonly factory: SocketFactory
  readonly environment: Environment
  readonly observer: Observer
  readonly onPush: (name: PushName, payload: Pushes[PushName]) => void
  /** Once, at the very moment of its end. */
  readonly onEnd: () => void
}

/** One socket, from its attempt to connect to its end, after which it is of no more use. */
export class Connection {
  private readonly socket: SocketLike
  private readonly waiting = new Set<(error: ParleyError) => void>()
  /** How many packets have come. */
  private heard = 0
  private openTimer: unknown
  private ending: Ending | null = null
  /** While it is open; the socket itself forgets it as soon as the connection is gone. */
  private socketId: string | null = null
  private readonly ended: Promise<Ending>
  private resolveEnded: (ending: Ending) => void = () => undefined

  constructor(private readonly parts: Parts) {
    const { factory, url, token, socketOptions } = parts
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve
    })
    this.socket = factory(url, {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      timeout: CONNECT_WITHIN_MS,
      ...socketOptions,
      auth: { token },
      autoConnect: false,
      // The client reconnects by itself, which lets it renew the token and choose the server anew.
      reconnection: false,
      forceNew: true,
    })
  }

  /** Resolves with null once it is open, or with why it is not. */
  async open(): Promise<Ending | null> {
    const { environment } = this.parts
    const opened = new Promise<null>((resolve) => {
      this.socket.on('connect', () => {
        this.socketId = this.socket.id ?? null
        this.tell('open', 'connected')
        resolve(null)
      })
    })
    this.socket.on('connect_error', ((error: Error & { data?: WireError }) => {
      const { data } = error
      const told =
        data?.code === undefined
          ? new ParleyError('DISCONNECTED', error.message, { cause: error })
          : refused(data)
      this.end({ reason: told.code, error: told, retryAfterMs: told.retryAfterMs })
    }) as (...args: never[]) => void)
    this.socket.on('disconnect', ((reason: string) => {
      this.end({ reason, error: new ParleyError('DISCONNECTED', reason) })
    }) as (...args: never[]) => void)
    this.socket.onAny((name, payload) => this.receive(name, payload))
    this.openTimer = environment.setTimeout(
      () => this.end({ reason: 'timeout', error: tooLate('connecting', false) }),
      CONNECT_WITHIN_MS + 1_000,
    )
    this.socket.connect()
    const ending = await Promise.race([opened, this.ended])
    environment.clearTimeout(this.openTimer)
    if (ending !== null) this.tell('refused', ending.reason)
    return ending
  }

  get url(): string {
    return this.parts.url
  }

  whenEnded(): Promise<Ending> {
    return this.ended
  }

  /** Nothing is heard from it any more, and every request on it has ended. */
  end(ending: Ending): void {
    if (this.ending !== null) return
    this.ending = ending
    if (this.socketId !== null) this.tell('closed', ending.reason)
    this.parts.environment.clearTimeout(this.openTimer)
    this.socket.off()
    this.socket.disconnect()
    this.parts.onEnd()
    const gone = new ParleyError('DISCONNECTED', 'The connection went before the answer.', {
      uncertain: true,
    })
    for (const fail of [...this.waiting]) fail(gone)
    this.resolveEnded(ending)
  }

  /** One request; rejects with the refusal, or with having no answer. */
  emit(name: string, payload: object, withinMs: number): Promise<unknown> {
    const { url, observer } = this.parts
    const request = { via: 'socket', name, payload, url, socketId: this.socketId } as const
    return observer.request(request, () => this.ask(name, payload, withinMs))
  }

  private ask(name: string, payload: object, withinMs: number): Promise<unknown> {
    const { environment } = this.parts
    if (this.ending !== null || !this.socket.connected)
      return Promise.reject(new ParleyError('DISCONNECTED', 'There is no connection.'))
    if (isTooLarge(payload))
      return Promise.reject(new ParleyError('TOO_LARGE', 'The request is larger than 64 KiB.'))
    const { heard } = this
    return new Promise((resolve, reject) => {
      const settle = (run: () => void): void => {
        if (!this.waiting.delete(fail)) return
        environment.clearTimeout(timer)
        run()
      }
      const fail = (error: ParleyError): void => settle(() => reject(error))
      const timer = environment.setTimeout(() => {
        fail(tooLate(name, true))
        this.doubt(heard)
      }, withinMs)
      this.waiting.add(fail)
      this.socket.emit(name, payload, (answer) => {
        this.heard += 1
        const ack = answer as Ack<unknown>
        settle(() => (ack.ok ? resolve(ack.data) : reject(refused(ack.error))))
      })
    })
  }

  /** A connection on which nothing has come since is taken for dead, long before its pings would tell. */
  private doubt(heardBefore: number): void {
    if (this.heard === heardBefore) this.end({ reason: 'silent', error: tooLate('an answer', true) })
  }

  private receive(name: string, payload: unknown): void {
    this.heard += 1
    this.parts.observer.push(name, payload, this.parts.url, this.socketId)
    if (name === 'session:ended') this.endSession(payload as Pushes['session:ended'])
    else this.parts.onPush(name as PushName, payload as Pushes[PushName])
  }

  private endSession({ reason, retryAfterMs }: Pushes['session:ended']): void {
    const error = new ParleyError('DISCONNECTED', `The server ended the connection: ${reason}.`)
    const mayReturn = reason === 'draining' || reason === 'too-slow'
    this.end({ reason, error, retryAfterMs, ...(mayReturn ? {} : { ended: reason }) })
  }

  private tell(state: 'open' | 'closed' | 'refused', reason: string): void {
    this.parts.observer.connection(state, reason, this.parts.url, this.socketId)
  }
}

function isTooLarge(payload: object): boolean {
  const json = JSON.stringify(payload)
  // No character takes more than three bytes for each unit of its length.
  return json.length * 3 > REQUEST_MAX_BYTES && new TextEncoder().encode(json).length > REQUEST_MAX_BYTES
}
