/** Whether the primary can be used: one judgement for all adapters of a process that have the same primary. */
export interface PrimaryHealth {
  isUp(): boolean
  /** When it came up or went away last, ms since the Unix epoch. */
  readonly sinceMs: number
  /** How often it came up or went away. */
  readonly switches: number
  /** Told after each change; more often does no harm. */
  onChange(listener: () => void): () => void
}

/** What a failover adapter tells operators about itself. */
export type FailoverState = {
  readonly port: string
  readonly state: 'primary' | 'fallback'
  /** ms since the Unix epoch. */
  readonly sinceMs: number
  readonly switches: number
}

export const stateOf = (port: string, health: PrimaryHealth): FailoverState => ({
  port,
  state: health.isUp() ? 'primary' : 'fallback',
  sinceMs: health.sinceMs,
  switches: health.switches,
})
