import type { SocketLike } from '../../apps/client/options.js'

type Listener = (...args: unknown[]) => void

/** A socket of socket.io-client whose other end is the test. */
export class ScriptedSocket implements SocketLike {
  connected = false
  isConnecting = false
  /** Answers at once, where a test wants that. */
  onEmit: (ack: (answer: unknown) => void) => void = () => undefined
  readonly emitted: {
    readonly event: string
    readonly payload: unknown
    readonly ack: (answer: unknown) => void
  }[] = []
  private readonly listeners = new Map<string, Listener[]>()
  private any: ((event: string, ...args: unknown[]) => void)[] = []

  constructor(
    readonly url: string,
    readonly options: Record<string, unknown>,
  ) {}

  /** Gone as soon as the connection is, as there. */
  get id(): string | undefined {
    return this.connected ? 'socket' : undefined
  }

  connect(): void {
    this.isConnecting = true
  }

  disconnect(): void {
    this.connected = false
    this.isConnecting = false
  }

  on(event: string, listener: (...args: never[]) => void): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener as Listener])
  }

  onAny(listener: (event: string, ...args: unknown[]) => void): void {
    this.any.push(listener)
  }

  off(): void {
    this.listeners.clear()
    this.any = []
  }

  emit(event: string, payload: unknown, ack: (answer: unknown) => void): void {
    this.emitted.push({ event, payload, ack })
    this.onEmit(ack)
  }

  get token(): unknown {
    return (this.options.auth as { token: unknown }).token
  }

  // What the other end does.

  accept(): void {
    this.connected = true
    this.fire('connect')
  }

  refuse(code: string | null, retryAfterMs?: number): void {
    const data = code === null ? undefined : { code, message: code, retryAfterMs }
    this.fire('connect_error', Object.assign(new Error(code ?? 'xhr poll error'), { data }))
  }

  push(event: string, payload: unknown): void {
    for (const listener of [...this.any]) listener(event, payload)
  }

  drop(reason = 'transport close'): void {
    this.connected = false
    this.fire('disconnect', reason)
  }

  private fire(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...args)
  }
}
