import type { Actor } from '../../core/domain/account.js'
import type { LoginId } from '../../core/domain/ids.js'
import type { LiveLogin } from './live-login.js'
import { putBounded } from './put-bounded.js'

type KnownLogin = LiveLogin & {
  /** The newest epoch in which it was found live; null where none is known. */
  epoch: string | null
}

const LOGINS_MAX = 50_000

/**
 * The logins that this process has seen live. One that lived in an epoch (`login_epoch`) lives for as long as that lasts, since
 * each end of a login begins another; whoever relies on that has to have the epoch compared by the write.
 */
export class KnownLogins {
  private readonly logins = new Map<LoginId, KnownLogin>()
  /** The last one heard of; null while there is none. */
  private current: string | null = null

  constructor(private readonly max = LOGINS_MAX) {}

  get epoch(): string | null {
    return this.current
  }

  learn(logins: ReadonlyMap<LoginId, LiveLogin>): void {
    for (const [id, login] of logins) this.put(id, login, this.logins.get(id)?.epoch ?? null)
  }

  /** These were found live in the epoch, which is the present one as far as is known; null where the database has none. */
  foundIn(epoch: string | null, loginIds: Iterable<LoginId>): void {
    this.current = epoch
    for (const id of loginIds) {
      const login = this.logins.get(id)
      if (login !== undefined) this.put(id, login, epoch)
    }
  }

  livesIn(epoch: string | null, loginId: LoginId): boolean {
    return epoch !== null && this.logins.get(loginId)?.epoch === epoch
  }

  /** Whether it was live and has not expired. */
  mayBeLive({ userId, loginId }: Actor, atMs: number): boolean {
    if (loginId === null) return true
    const login = this.logins.get(loginId)
    return login !== undefined && login.userId === userId && atMs < login.expiresAtMs
  }

  private put(id: LoginId, { userId, expiresAtMs }: LiveLogin, epoch: string | null): void {
    putBounded(this.logins, id, { userId, expiresAtMs, epoch }, this.max)
  }
}
