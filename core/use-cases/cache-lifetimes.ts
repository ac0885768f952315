/** How long each cache keeps an entry, in ms; read with each fill, so that an operator can change it while all runs. */
export type CacheLifetimes = {
  sessionMs: number
  memberMs: number
  messagesMs: number
}

export const DEFAULT_LIFETIMES: Readonly<CacheLifetimes> = {
  sessionMs: 5 * 60_000,
  memberMs: 5 * 60_000,
  messagesMs: 2 * 60_000,
}
