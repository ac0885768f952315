import type { Socket } from 'node:net'
import { dueMs, isBlocked, type ProxyMode, piecesOf, type Way } from './proxy-modes.js'

/**
 * What a tap says of a chunk: pass it, or pass it so much later, with what follows behind it; keep it and all that follows; hold
 * them until there is another tap; or cut the connection with a RST instead.
 */
export type Verdict = 'pass' | 'keep' | 'hold' | 'reset' | { readonly lateMs: number }

export type RelayOptions = {
  readonly way: Way
  /** Uniform, 0 to below 1: for the jitter. */
  readonly chance: () => number
  readonly inspect: (chunk: Buffer) => Verdict
  /** Asked for by `inspect`. */
  readonly reset: () => void
}

/** What may wait in a relay; beyond it the source is not read, so that its sender feels it. */
const QUEUE_BYTES = 256 * 1024

/** Passes what one socket sends to another, in order, as the mode says; a FIN is passed in its turn. */
export class Relay {
  private readonly queue: { readonly chunk: Buffer | null; readonly dueMs: number }[] = []
  private queuedBytes = 0
  private lastDueMs = 0
  private isFull = false
  private keeps = false
  private holds = false
  private timer: NodeJS.Timeout | null = null

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private mode: ProxyMode,
    private readonly options: RelayOptions,
  ) {
    source.on('data', (chunk: Buffer) => this.receive(chunk))
    source.on('end', () => this.enqueue(null))
    sink.on('drain', () => {
      this.isFull = false
      this.pump()
    })
    this.pump()
  }

  apply(mode: ProxyMode): void {
    this.mode = mode
    if (mode.is !== 'slow')
      for (const [index, item] of this.queue.entries()) this.queue[index] = { ...item, dueMs: 0 }
    this.lastDueMs = this.queue.at(-1)?.dueMs ?? 0
    this.pump()
  }

  /** Reads and passes nothing more, whatever the mode. */
  stop(): void {
    this.keeps = true
    this.pump()
  }

  /** Passes what was held. */
  release(): void {
    this.holds = false
    this.pump()
  }

  private get isStopped(): boolean {
    return this.keeps || this.holds || isBlocked(this.mode, this.options.way)
  }

  private receive(chunk: Buffer): void {
    const verdict = this.keeps ? 'keep' : this.options.inspect(chunk)
    if (verdict === 'keep') this.keeps = true
    if (verdict === 'hold') this.holds = true
    if (verdict === 'reset') this.options.reset()
    else this.enqueue(chunk, typeof verdict === 'object' ? verdict.lateMs : 0)
  }

  private enqueue(chunk: Buffer | null, lateMs = 0): void {
    const nowMs = performance.now()
    for (const piece of chunk === null ? [null] : piecesOf(this.mode, chunk)) {
      const bytes = piece?.length ?? 0
      this.lastDueMs = Math.max(
        dueMs(this.mode, bytes, nowMs, this.lastDueMs, this.options.chance),
        lateMs > 0 ? nowMs + lateMs : 0,
      )
      this.queue.push({ chunk: piece, dueMs: this.lastDueMs })
      this.queuedBytes += bytes
    }
    this.pump()
  }

  private pump(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    for (let [next] = this.queue; next !== undefined; [next] = this.queue) {
      if (this.isStopped || this.isFull || this.sink.destroyed) break
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs)
        break
      }
      this.queue.shift()
      this.pass(next.chunk)
      if (this.mode.is === 'sliced' && this.queue.length > 0) {
        // Written in one turn they would arrive as one.
        setImmediate(() => this.pump())
        break
      }
    }
    const mayRead = !this.isStopped && !this.isFull && this.queuedBytes < QUEUE_BYTES
    if (mayRead) this.source.resume()
    else this.source.pause()
  }

  private pass(chunk: Buffer | null): void {
    if (chunk === null) {
      this.sink.end()
      return
    }
    this.queuedBytes -= chunk.length
    this.isFull = !this.sink.write(chunk)
  }
}
