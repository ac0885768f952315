/** Slow hashing of passwords. */
export interface PasswordPort {
  /** Throws PortUnavailable when too many are waiting. */
  hash(password: string): Promise<string>
  /**
   * Whether the password belongs to the hash; `null` = there is no such account, answered false in the time of a real
   * comparison. `outdated` = hashed with weaker parameters than today's. Throws PortUnavailable when too many are waiting.
   */
  verify(
    password: string,
    hash: string | null,
  ): Promise<{ readonly matches: boolean; readonly outdated: boolean }>
}
