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
  /** Away, back, and back again when a device wakes up. */
  presencePerUser: perMinute(60, 20),

  /** Requests of one address before anyone is known; many people may share one. */
  requestsPerIp: perMinute(6_000, 1_000),
  /** The same for sockets that connect: a shared address comes back all at once after an outage. */
  connectsPerIp: perMinute(600, 300),
  signUpsPerIp: perMinute(10, 40),
  /** Sign-up tells whether an address is known; this keeps it from being asked for long. */
  signUpsPerAddress: perMinute(1, 5),
  signInsPerIp: perMinute(30, 60),
  /** Asked before the wider ones, so that wrong tries from a few addresses never use up what the owner needs at theirs. */
  signInsPerAccountAndIp: perMinute(5, 10),
  /**
   * Guesses at one password from anywhere. Six addresses can hold it used up for as long as they try, so it does not bind
   * where the owner has signed in or up before (`LoginRepoPort.wasOpenedFrom`): there the two above are all there is. From a
   * new place the owner waits until the attack ebbs; no limit can tell them from the attack before their password is
   * compared, and to compare it is what this one is there to refuse.
   */
  signInsPerAccount: perMinute(30, 60),
  /** A refresh token has 256 bits, so this only keeps the store quiet. */
  refreshesPerIp: perMinute(600, 300),
  /** Tries at the present password by whoever holds an access token. */
  passwordChangesPerUser: perMinute(5, 10),
  resetsPerIp: perMinute(5, 10),
  resetsPerAddress: perMinute(30, 60),
  /** A new display name is an event in each of the user's rooms. */
  profileChangesPerUser: perMinute(10, 10),
} satisfies Record<string, RateLimit>
