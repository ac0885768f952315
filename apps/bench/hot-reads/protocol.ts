/** From where a process answers what was read before. */
export const TIERS = ['Postgres', 'Redis', 'memory'] as const
export type Tier = (typeof TIERS)[number]

export const KINDS = ['session by socket', 'first page'] as const
export type Kind = (typeof KINDS)[number]

/** As many reads are under way at any time: one shows what a read takes, several what a process can do. */
export const AT_ONCE = [1, 8] as const

/** What the reading process is to do. */
export type ReadingPlan = {
  readonly dataDir: string
  readonly authSecret: string
  readonly rounds: number
  /** Of each kind, tier and number at once, in each round. */
  readonly measureMs: number
}

export type ReadingRound = {
  readonly round: number
  readonly kind: Kind
  readonly atOnce: number
  readonly tier: Tier
  readonly perSecond: number
}

/** Null where there is no redis-server to start. */
export type ReadingResult = { readonly rounds: readonly ReadingRound[]; readonly hasRedis: boolean }
