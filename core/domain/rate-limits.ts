import type { RateLimit } from './gcra.js'

const perMinute = (rate: number, burst: number): RateLimit => ({ perMinute: rate, burst })

/** All rate limits of the product, in one table; `PARLEY_LIMIT_FACTOR` multiplies each. Keys are made by the use cases. */
export const LIMITS = {
  /** Sends and edits of one user in one room: faster than one types, slower than a flood. */
  messagesPerMember: perMinute(60, 30),
  /** The same over all rooms of a user. */
  messagesPerUser: perMinute(120, 60),
  /** Deletions, reactions and flags. */
  changesPerUser: perMinute(120, 60),
  /** Rooms and invitations made. */
  creationsPerUser: perMinute(20, 20),
  /** Codes tried; a code has 256 bits, so this only keeps the store quiet. */
  acceptsPerUser: perMinute(20, 20),
  searchesPerUser: perMinute(60, 20),
  /** Clients repeat `typing` every few seconds. */
  typingPerUser: perMinute(120, 20),
} satisfies Record<string, RateLimit>
