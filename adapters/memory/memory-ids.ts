import type { ClockPort } from '../../core/ports/clock-port.js'
import type { IdPort } from '../../core/ports/id-port.js'
import { type RandomSource, randomBytesOf, seededRandom } from './seeded-random.js'

/** Ids of one millisecond, in the 12 bits after the version (RFC 9562, 6.2, method 1). */
const COUNTER_END = 0x1000

/** UUIDv7 from a given clock and random source: ascending, also where the clock stands still or goes back. */
export class MemoryIds implements IdPort {
  private lastMs = 0
  private counter = 0

  /** The default source repeats itself: two generators that meet in one database need two seeds. */
  constructor(
    private readonly clock: ClockPort,
    private readonly random: RandomSource = seededRandom(1),
  ) {}

  next(): string {
    const nowMs = this.clock.nowMs()
    if (nowMs > this.lastMs) this.restart(nowMs)
    else if (this.counter === COUNTER_END) this.restart(this.lastMs + 1)
    const time = this.lastMs.toString(16).padStart(12, '0')
    const counter = this.counter.toString(16).padStart(3, '0')
    this.counter += 1
    const [variant = 0, ...rest] = randomBytesOf(this.random, 8)
    const tail = [(variant & 0x3f) | 0x80, ...rest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${tail.slice(0, 4)}-${tail.slice(4)}`
  }

  private restart(ms: number): void {
    this.lastMs = ms
    this.counter = 0
  }
}
