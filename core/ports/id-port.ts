export interface IdPort {
  /** A new UUIDv7, lower case. */
  next(): string
}
