import type { Socket } from 'node:net'
import { dueMs, isBlocked, type ProxyMode, type Way } from './proxy-modes.js'

/** What a tap says of a chunk: pass it; keep it and all that follows; or cut the connection with a RST instead. */
export type Verdict = 'pass' | 'keep' | 'reset'

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

  private get isStopped(): boolean {
    return this.keeps || isBlocked(this.mode, this.options.way)
  }

  private receive(chunk: Buffer): void {
    const verdict = this.keeps ? 'keep' : this.options.inspect(chunk)
    if (verdict === 'keep') this.keeps = true
    if (verdict === 'reset') this.options.reset()
    else this.enqueue(chunk)
  }

  private enqueue(chunk: Buffer | null): void {
    const bytes = chunk?.length ?? 0
    this.lastDueMs = dueMs(this.mode, bytes, performance.now(), this.lastDueMs, this.options.chance)
    this.queue.push({ chunk, dueMs: this.lastDueMs })
    this.queuedBytes += bytes
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
