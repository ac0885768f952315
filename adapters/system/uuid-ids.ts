import { v7 } from 'uuid'
import type { IdPort } from '../../core/ports/id-port.js'

/** UUIDv7 with random bits of the machine; ids of one process ascend also within a millisecond. */
export class UuidIds implements IdPort {
  next(): string {
    return v7()
  }
}
