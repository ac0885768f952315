import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'
import type { IdPort } from '../../core/ports/id-port.js'

const RANDOM_BYTES = 16
/** Random bits of so many ids are asked for at once: asking costs about the same for 16 bytes as for 4,096. */
const IDS_AT_ONCE = 256
/** The counter within a millisecond begins at random below this, which leaves it more room than a millisecond can use up. */
const COUNTER_START = 2 ** 31

/**
 * UUIDv7 with random bits of the machine; ids of one process ascend also within a millisecond, and where the clock goes back,
 * by a counter (RFC 9562, section 6.2, method 1).
 */
export class UuidIds implements IdPort {
  private readonly pool = Buffer.alloc(IDS_AT_ONCE * RANDOM_BYTES)
  private used = this.pool.length
  private msecs = 0
  private seq = 0

  next(): string {
    const random = this.takeRandom()
    const nowMs = Date.now()
    if (nowMs > this.msecs) {
      this.msecs = nowMs
      this.seq = random.readUInt32BE(0) % COUNTER_START
    } else this.seq += 1
    return v7({ random, msecs: this.msecs, seq: this.seq })
  }

  private takeRandom(): Buffer {
    if (this.used === this.pool.length) {
      randomFillSync(this.pool)
      this.used = 0
    }
    this.used += RANDOM_BYTES
    return this.pool.subarray(this.used - RANDOM_BYTES, this.used)
  }
}
