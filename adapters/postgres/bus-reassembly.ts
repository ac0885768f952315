import { MESSAGE_MAX_BYTES } from '../../core/bus/send-queue.js'
import type { Frame } from './bus-frames.js'

/** Origins that may be in the middle of a message at once; the one that said nothing for longest is given up first. */
const ORIGINS_MAX = 64

type Unfinished = { readonly id: number; readonly chunks: string[]; length: number }

/**
 * Puts split messages together again. The parts of one come in order and without others of its origin between; whatever does
 * not fit that is dropped with the message it belongs to, so that nothing waits for a part that was lost.
 */
export class BusReassembly {
  private readonly unfinished = new Map<string, Unfinished>()

  /** The whole message, if `frame` completes one. */
  accept(origin: string, frame: Frame): { readonly topic: string; readonly text: string } | null {
    const begun = frame.part === 0 ? { id: frame.id, chunks: [], length: 0 } : this.unfinished.get(origin)
    this.unfinished.delete(origin)
    if (begun === undefined || begun.id !== frame.id || begun.chunks.length !== frame.part) return null
    begun.chunks.push(frame.chunk)
    begun.length += frame.chunk.length
    if (begun.length > MESSAGE_MAX_BYTES) return null
    if (begun.chunks.length < frame.parts) {
      this.keep(origin, begun)
      return null
    }
    const body = begun.chunks.join('')
    return { topic: body.slice(0, frame.topicLength), text: body.slice(frame.topicLength) }
  }

  /** Messages that are not complete. */
  get size(): number {
    return this.unfinished.size
  }

  clear(): void {
    this.unfinished.clear()
  }

  private keep(origin: string, begun: Unfinished): void {
    this.unfinished.set(origin, begun)
    const [oldest] = this.unfinished.keys()
    if (this.unfinished.size > ORIGINS_MAX && oldest !== undefined) this.unfinished.delete(oldest)
  }
}
