import { ParleyError } from './errors.js'
import type { Http } from './http.js'
import { exclusively } from './locks.js'
import type { Environment } from './options.js'
import { Store } from './store.js'
import { type Login, loginOf, type StoredLogin } from './stored-login.js'
import type { SessionSnapshot, SignOutReason } from './types.js'
import { backoffMs, Pause } from './waiting.js'
import type { SignedIn, User } from './wire.js'

type Parts = {
  readonly http: Http
  readonly stored: StoredLogin
  readonly environment: Environment
  readonly transport: 'token' | 'cookie'
}

const REFRESH_WITHIN_MS = 10_000
/** A token that has no more than this left is renewed before it is used. */
const MARGIN_MS = 30_000
const OUT: SessionSnapshot = { status: 'signed-out', user: null, reason: null }

/** Certainly so: what counts no renewals is neither older nor newer than anything. */
const isOlder = (one: Login, than: Login): boolean =>
  one.renewals !== undefined && than.renewals !== undefined && one.renewals < than.renewals

const signedOut = (): ParleyError => new ParleyError('SIGNED_OUT', 'Nobody is signed in.')

/**
 * Holds the login and its tokens. Only the server's `UNAUTHENTICATED` to a renewal, its word over the socket, the user, or
 * another tab end a login; a network that fails never does.
 */
export class LoginKeeper {
  readonly session = new Store<SessionSnapshot>(OUT)
  private login: Login | null = null
  /** Whether the storage holds it, which may be full or forbidden: then it lasts as long as the page. */
  private isStored = false
  private renewing: { readonly key: string; readonly token: Promise<string> } | null = null
  private readonly stopWatching: () => void
  private readonly pause: Pause

  constructor(private readonly parts: Parts) {
    this.pause = new Pause(parts.environment)
    this.stopWatching = parts.stored.onChange(() => void this.look().catch(() => undefined))
  }

  /** The login that there is now, to tell it from a later one; null where there is none. */
  get key(): string | null {
    return this.login?.key ?? null
  }

  async open(path: string, credentials: object): Promise<User> {
    const { http, stored, environment, transport } = this.parts
    const body = { ...credentials, transport: transport === 'cookie' ? 'cookie' : 'body' }
    const answer = await http.send<SignedIn>({ method: 'POST', path, body, withinMs: REFRESH_WITHIN_MS })
    if (this.login !== null) this.forget('replaced')
    const login = loginOf(environment.newId(), answer, environment.nowMs(), 0)
    const isStored = await stored.write(login).then(
      () => true,
      () => false,
    )
    this.take(login, isStored)
    return answer.user
  }

  async resume(): Promise<User | null> {
    if (this.login !== null) return this.login.user
    const login = await this.parts.stored.read()
    const isOfThisTransport = (login?.refreshToken === null) === (this.parts.transport === 'cookie')
    if (login === null || !isOfThisTransport) return null
    this.take(login, true)
    return login.user
  }

  /** Ends the login here, at once, and tells the server as far as it can be reached. */
  async signOut(): Promise<void> {
    const { login } = this
    if (login === null) return
    await this.end(login.key, 'signed-out')
    const body = login.refreshToken === null ? {} : { refreshToken: login.refreshToken }
    const token = login.access?.token ?? null
    const call = { method: 'POST', path: '/auth/sign-out', body, token, withinMs: REFRESH_WITHIN_MS }
    await this.parts.http.send(call).catch(() => undefined)
  }

  /** Nothing happens where another login has taken the place of this one. */
  async end(key: string, reason: SignOutReason): Promise<void> {
    if (this.login?.key === key) this.forget(reason)
    await this.parts.stored.remove(key).catch(() => undefined)
  }

  /** An access token that is good for a while, and is not `refused`, which the server did not take. */
  async accessToken(refused: string | null = null): Promise<string> {
    const { login } = this
    if (login === null) throw signedOut()
    const { access } = login
    if (access !== null && access.token !== refused && this.leftMs(login) > MARGIN_MS) return access.token
    if (this.renewing?.key !== login.key) {
      const renewing = {
        key: login.key,
        token: exclusively('parley:refresh', this.parts.environment, () => this.renew(login.key, refused)),
      }
      this.renewing = renewing
      const over = (): void => {
        if (this.renewing === renewing) this.renewing = null
      }
      renewing.token.then(over, over)
    }
    return this.renewing.token
  }

  /** When to renew: with a fifth of its life left, never all tabs at once. */
  renewInMs(): number {
    const { login } = this
    if (login?.access == null) return 0
    const spreadMs = login.access.lifetimeMs * (0.15 + 0.1 * this.parts.environment.random())
    return Math.max(0, this.leftMs(login) - spreadMs)
  }

  close(): void {
    this.stopWatching()
    this.login = null
    this.pause.end()
  }

  /** A clock that was set back must not make a token last longer than it can. */
  private leftMs({ access }: Login): number {
    if (access === null) return 0
    const leftMs = access.expiresAtMs - this.parts.environment.nowMs()
    return leftMs > access.lifetimeMs ? 0 : leftMs
  }

  private async renew(key: string, refused: string | null): Promise<string> {
    const { http, environment } = this.parts
    let login = await this.readShared(key)
    for (let tries = 0; ; tries += 1) {
      const { access, refreshToken, renewals } = login
      if (access !== null && access.token !== refused && this.leftMs(login) > MARGIN_MS) {
        this.login = login
        return access.token
      }
      const body = refreshToken === null ? {} : { refreshToken }
      const call = { method: 'POST', path: '/auth/refresh', body, withinMs: REFRESH_WITHIN_MS }
      try {
        const answer = await http.send<SignedIn>(call)
        return await this.adopt(loginOf(key, answer, environment.nowMs(), (renewals ?? 0) + 1))
      } catch (error) {
        if (!(error instanceof ParleyError) || error.code !== 'UNAUTHENTICATED') throw error
        // Without locks another tab may have spent that token meanwhile, and stored a newer one.
        login = await this.readShared(key)
        if (login.refreshToken !== refreshToken && tries < 2) continue
        await this.end(key, 'ended')
        throw signedOut()
      }
    }
  }

  /** The login as all tabs have it. Where it is gone or another's, it has ended for this tab, too. */
  private async readShared(key: string): Promise<Login> {
    const own = this.login
    if (own === null || own.key !== key) throw signedOut()
    if (!this.isStored) return own
    const shared = await this.parts.stored.read().catch(() => own)
    if (this.login?.key !== key) throw signedOut()
    if (shared === null || shared.key !== key) {
      this.forget(shared === null ? 'signed-out' : 'replaced')
      throw signedOut()
    }
    return shared.refreshToken === null || isOlder(shared, own) ? own : shared
  }

  private async adopt(login: Login): Promise<string> {
    // Signed out while the answer was on its way.
    if (this.login?.key !== login.key) throw signedOut()
    this.know(login)
    if (!(await this.store(login))) void this.storeLater(login)
    if (this.login?.key !== login.key || login.access === null) throw signedOut()
    return login.access.token
  }

  /** False where the storage may still hold a login from before this renewal. */
  private async store(login: Login): Promise<boolean> {
    const { stored } = this.parts
    try {
      const shared = await stored.read()
      if (shared?.key === login.key && !isOlder(login, shared)) await stored.write(login)
      return true
    } catch {
      return false
    }
  }

  /** Another tab would renew by the token that is spent, and end the login by that. */
  private async storeLater(login: Login): Promise<void> {
    let isStored = !this.isStored
    for (let tries = 0; !isStored; tries += 1) {
      await this.pause.for(backoffMs(tries, this.parts.environment))
      isStored = this.login !== login || (await this.store(login))
    }
  }

  /** Another tab changed something. */
  private async look(): Promise<void> {
    const own = this.login
    if (own === null || !this.isStored) return
    const shared = await this.parts.stored.read()
    if (this.login !== own) return
    if (shared === null) this.forget('signed-out')
    else if (shared.key !== own.key) this.forget('replaced')
    else if (shared.access !== null && isOlder(own, shared)) this.login = shared
  }

  private take(login: Login, isStored: boolean): void {
    this.login = login
    this.isStored = isStored
    this.session.set({ status: 'signed-in', user: login.user, reason: null })
  }

  private know(login: Login): void {
    this.login = login
    const { user } = this.session.getSnapshot()
    if (JSON.stringify(user) !== JSON.stringify(login.user))
      this.session.set({ status: 'signed-in', user: login.user, reason: null })
  }

  private forget(reason: SignOutReason): void {
    this.login = null
    this.pause.end()
    this.session.set({ status: 'signed-out', user: null, reason })
  }
}
