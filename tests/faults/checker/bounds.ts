/** Explained in `history.ts`. */

/** What a time bound belongs to. */
export type Bound = 'L7' | 'L8' | 'L9' | 'L10-disconnect' | 'L10-death' | 'L10-sign-out'
/** The invariants that a fault may put off. */
export type Suspendable = 'L7' | 'L10'

export const BOUNDS_MS = {
  L7: 2_000,
  L8: 1_000,
  L9: 1_000,
  'L10-disconnect': 20_000,
  'L10-death': 60_000,
  'L10-sign-out': 1_000,
} as const satisfies Record<Bound, number>

/** Where the clients stood still for longer than this, nobody can say what was late. */
export const LONGEST_STALL_MS = 1_000

/** The contract's bounds of L7, L8 and L9 while Redis is away. */
export const BOUND_WITHOUT_REDIS_MS = 5_000
