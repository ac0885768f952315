import type { ClientStorage } from './storage.js'
import type { SignedIn, User } from './wire.js'

/** A login as this tab knows it and as the storage keeps it, for all tabs of the origin. */
export type Login = {
  /** Made at sign-in and kept over renewals: two tabs know by it whether they mean the same login. */
  readonly key: string
  readonly user: User
  /** How often it was renewed, by which the newer of two tokens is known. What a tab of an earlier version stored has none. */
  readonly renewals?: number
  /** Null in a cookie's place. */
  readonly refreshToken: string | null
  /** Null until a renewal brings one. */
  readonly access: {
    readonly token: string
    readonly expiresAtMs: number
    readonly lifetimeMs: number
  } | null
}

const KEY = 'parley:login'

export const loginOf = (key: string, answer: SignedIn, nowMs: number, renewals: number): Login => ({
  key,
  user: answer.user,
  renewals,
  refreshToken: answer.refreshToken,
  access: {
    token: answer.accessToken,
    expiresAtMs: nowMs + answer.expiresInS * 1_000,
    lifetimeMs: answer.expiresInS * 1_000,
  },
})

/** The one login that the tabs of an origin share. */
export class StoredLogin {
  constructor(private readonly storage: ClientStorage) {}

  async read(): Promise<Login | null> {
    const text = await this.storage.get(KEY)
    if (text === null) return null
    try {
      const login = JSON.parse(text) as Login
      return typeof login.key === 'string' && typeof login.user?.id === 'string' ? login : null
    } catch {
      return null
    }
  }

  /** Tokens that only a cookie's holder can renew stay in this tab's memory. */
  write(login: Login): Promise<void> {
    const kept: Login = login.refreshToken === null ? { ...login, access: null } : login
    return this.storage.set(KEY, JSON.stringify(kept))
  }

  /** Removes this login, and no other that has taken its place. */
  async remove(key: string): Promise<void> {
    if ((await this.read())?.key === key) await this.storage.delete(KEY)
  }

  onChange(run: () => void): () => void {
    return this.storage.subscribe?.(run) ?? (() => undefined)
  }
}
