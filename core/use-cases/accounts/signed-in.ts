import { ACCESS_TOKEN_TTL_MS, type Login, type User } from '../../domain/account.js'
import type { LoginId, UserId } from '../../domain/ids.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { IdPort } from '../../ports/id-port.js'
import type { TokenPort } from '../../ports/token-port.js'

export type SignedIn = {
  readonly user: User
  readonly loginId: LoginId
  readonly accessToken: string
  /** Works once; see `RefreshLogin`. */
  readonly refreshToken: string
  /** Rest of the access token's life. */
  readonly expiresInS: number
  /** The absolute end of the login. */
  readonly refreshExpiresAtMs: number
}

export type LoginSettings = {
  /** Absolute lifetime of a login, whatever is refreshed meanwhile. */
  readonly sessionMaxMs: number
}

/** Enough to tell one's devices apart. */
const USER_AGENT_MAX = 256

/** A login that begins now; it is named here, so that nothing that a client holds from before carries over to it. */
export function newLogin(
  ports: { readonly ids: IdPort; readonly clock: ClockPort; readonly settings: LoginSettings },
  userId: UserId,
  userAgent: string | null,
): Login {
  const nowMs = ports.clock.nowMs()
  const printable =
    userAgent
      ?.replace(/\p{Cc}/gu, '')
      .slice(0, USER_AGENT_MAX)
      .toWellFormed() ?? null
  return {
    id: ports.ids.next(),
    userId,
    userAgent: printable,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + ports.settings.sessionMaxMs,
  }
}

/** Digest of an account (by `emailKey`) and an address (by `ipKey`): one address looks different in each account. */
export const placeOf = (tokens: TokenPort, account: string, ip: string): string =>
  tokens.digest(`${account} ${ip}`)

/** What a client gets for a login; its access token ends with the login at the latest. */
export async function signedIn(
  ports: { readonly tokens: TokenPort; readonly clock: ClockPort },
  user: User,
  login: Login,
  refreshToken: string,
): Promise<SignedIn> {
  const nowMs = ports.clock.nowMs()
  const expiresAtMs = Math.min(nowMs + ACCESS_TOKEN_TTL_MS, login.expiresAtMs)
  return {
    user,
    loginId: login.id,
    accessToken: await ports.tokens.signAccess({ userId: user.id, loginId: login.id, expiresAtMs }),
    refreshToken,
    expiresInS: Math.max(0, Math.floor((expiresAtMs - nowMs) / 1_000)),
    refreshExpiresAtMs: login.expiresAtMs,
  }
}
