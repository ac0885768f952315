import type { Logger } from 'pino'
import { gcra } from '../../../core/domain/gcra.js'
import { invalid, type Refusal, rateLimited, unauthenticated } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import type { Parley } from '../../../core/parley.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { type WireError, wireRefusal, wireThrown } from '../contract/errors.js'
import type { Context, Operation } from '../contract/operation.js'
import { OPERATIONS } from '../contract/operations/index.js'
import type { Metrics } from '../ops/metrics.js'
import { EVENTS_PER_SOCKET, EVENTS_UNDER_WAY } from './limits.js'
import type { SocketConnection } from './socket-connection.js'

/** By name of the event; a map, because names come from clients. */
const BY_EVENT: ReadonlyMap<string, Operation> = new Map(
  OPERATIONS.flatMap((operation) =>
    operation.event === undefined ? [] : [[operation.event, operation] as const],
  ),
)

export const isOperation = (event: string): boolean => BY_EVENT.has(event)

export type GatewayParts = {
  readonly parley: Parley
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limitFactor: number
  /** When new requests are refused because the server is leaving: how long to wait; null while it stays. */
  readonly drainingMs: () => number | null
}

type Client = { readonly ip: string; readonly userAgent: string | null; readonly ready: Promise<void> }
type Call = {
  readonly event: string
  readonly operation: Operation | undefined
  readonly ack: Ack | null
  readonly startedMs: number
}
type Ack = (answer: { ok: true; data: unknown } | { ok: false; error: WireError }) => void

/** Takes the events of one socket: validates, runs the operation, answers the ack. */
export class EventGateway {
  private readonly context: Context
  private readonly limit: { readonly perMinute: number; readonly burst: number }
  private tatMs: number | null = null
  private underWay = 0
  private isReady = false

  constructor(
    private readonly connection: SocketConnection,
    private readonly client: Client,
    private readonly parts: GatewayParts,
  ) {
    const { parley, limitFactor } = parts
    const { ip, userAgent } = client
    this.context = {
      parley,
      ip,
      userAgent,
      actor: connection.actor,
      refreshCookie: null,
      connection,
      overview: null,
    }
    this.limit = {
      perMinute: EVENTS_PER_SOCKET.perMinute * limitFactor,
      burst: EVENTS_PER_SOCKET.burst * limitFactor,
    }
    void client.ready.then(() => {
      this.isReady = true
    })
  }

  get busy(): boolean {
    return this.underWay > 0
  }

  /** Never throws, whatever comes. Without an ack nobody is told, and everything else is as with one. */
  receive(event: unknown, args: readonly unknown[]): void {
    if (typeof event !== 'string' || this.connection.isOver) return
    const last = args.at(-1)
    const ack = typeof last === 'function' ? (last as Ack) : null
    const payloads = ack === null ? args : args.slice(0, -1)
    const call: Call = { event, operation: BY_EVENT.get(event), ack, startedMs: performance.now() }
    this.underWay += 1
    let answer: ReturnType<EventGateway['answer']>
    try {
      answer = this.answer(call.operation, payloads)
    } catch (error) {
      this.failed(call, error)
      return
    }
    if (answer instanceof Promise)
      answer.then(
        (result) => this.done(call, result),
        (error: unknown) => this.failed(call, error),
      )
    else this.done(call, answer)
  }

  private done(call: Call, result: Result<unknown, Refusal>): void {
    const { event, operation, ack, startedMs } = call
    try {
      if (result.ok && event === 'message:send')
        this.parts.metrics.sendToAck.observe((performance.now() - startedMs) / 1_000)
      this.count(operation, result.ok ? 'ok' : result.refusal.code)
      ack?.(result.ok ? { ok: true, data: result.value } : { ok: false, error: wireRefusal(result.refusal) })
      this.underWay -= 1
    } catch (error) {
      this.failed(call, error)
    }
  }

  private failed({ operation, ack }: Call, error: unknown): void {
    this.underWay -= 1
    const told = wireThrown(error)
    this.parts.logger[told.code === 'INTERNAL' ? 'error' : 'warn'](
      { err: error, operation: operation?.id },
      told.code,
    )
    this.count(operation, told.code)
    ack?.({ ok: false, error: told })
  }

  private answer(
    operation: Operation | undefined,
    payloads: readonly unknown[],
  ): Result<unknown, Refusal> | Promise<Result<unknown, Refusal>> {
    const admission = this.admit()
    if (admission !== null) return admission
    if (operation === undefined) return invalid('event', 'is not an event of this server')
    if (payloads.length !== 1) return invalid('', 'an event takes one payload and an ack')
    const input = operation.validate(payloads[0])
    if (!input.ok) return input
    // So that what follows finds this socket and its user present.
    if (!this.isReady) return this.client.ready.then(() => operation.run(this.context, input.value))
    return operation.run(this.context, input.value)
  }

  private admit(): Result<never, Refusal> | null {
    const { parley, drainingMs } = this.parts
    if (parley.loginFeed.hasEnded(this.connection.actor.loginId)) return unauthenticated()
    const waitMs = drainingMs()
    if (waitMs !== null) throw new PortUnavailable('Server', new Error('the server is leaving'), waitMs)
    if (this.underWay > EVENTS_UNDER_WAY) return rateLimited(100)
    const { allowance, tatMs } = gcra(this.tatMs, Date.now(), this.limit)
    this.tatMs = tatMs
    return allowance.allowed ? null : rateLimited(allowance.retryAfterMs)
  }

  private count(operation: Operation | undefined, outcome: string): void {
    this.parts.metrics.countRequest(operation?.id ?? 'unknown', 'socket', outcome)
  }
}
