import { randomUUID } from 'node:crypto'
import type { IdPort } from '../../../core/ports/id-port.js'

/** Broken on purpose: unique and of the right shape, but without the time. */
export class TimelessIds implements IdPort {
  next(): string {
    const random = randomUUID()
    return `${random.slice(0, 14)}7${random.slice(15)}`
  }
}
