import { invalid, type Refusal } from './refusal.js'
import { ok, type Result } from './result.js'

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

/** What an operator may set: below, a cache is hardly one; above, what is no longer asked for is kept for nobody. */
export const LIFETIME_MS = { min: 1_000, max: 86_400_000 }

/** Those alone that an operator has set. */
export type SetLifetimes = Readonly<Partial<CacheLifetimes>>

/** Null takes back what was set; what is left out stays as it is. */
export type LifetimesPatch = { readonly [K in keyof CacheLifetimes]?: number | null | undefined }

const isName = (name: string): name is keyof CacheLifetimes => Object.hasOwn(DEFAULT_LIFETIMES, name)

const isLifetime = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= LIFETIME_MS.min && Number(value) <= LIFETIME_MS.max

/** The patch without what it leaves out. */
export function checkLifetimes(patch: LifetimesPatch): Result<LifetimesPatch, Refusal> {
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    if (!isName(name)) return invalid(`lifetimes.${name}`, 'is not a field of this request')
    if (value !== null && !isLifetime(value))
      return invalid(`lifetimes.${name}`, `must be null or ${LIFETIME_MS.min} to ${LIFETIME_MS.max} ms`)
  }
  return ok(Object.fromEntries(given))
}

/** What is usable of what was stored, which may have been by another version of the product or by hand. */
export const usableLifetimes = (stored: Readonly<Record<string, unknown>>): SetLifetimes =>
  Object.fromEntries(Object.entries(stored).filter(([name, value]) => isName(name) && isLifetime(value)))
