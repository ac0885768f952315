import { ParleyError } from '../../apps/client/errors.js'
import type { HttpCall } from '../../apps/client/http.js'
import type { SignedIn } from '../../apps/client/wire.js'

/**
 * The refresh tokens of one login as the contract has them: a spent one gets a successor for another minute, while none of its
 * own is spent.
 */
export class RefreshingServer {
  readonly calls: HttpCall[] = []
  private issued = 0
  private readonly parents = new Map<string, string>()
  private readonly spentAtMs = new Map<string, number>()
  /** Runs after the server has done its part, before the answer is there. */
  beforeAnswer: () => Promise<void> = async () => undefined

  constructor(private readonly nowMs: () => number) {}

  send = async (call: HttpCall): Promise<SignedIn> => {
    this.calls.push(call)
    const answer = this.answer(call)
    await this.beforeAnswer()
    if (answer === null) throw new ParleyError('UNAUTHENTICATED', 'no')
    return answer
  }

  private answer({ path, body }: HttpCall): SignedIn | null {
    if (path !== '/auth/refresh') return this.issue(null)
    const { refreshToken } = body as { refreshToken: string }
    const successorSpent = [...this.parents].some(
      ([child, of]) => of === refreshToken && this.spentAtMs.has(child),
    )
    const spentAtMs = this.spentAtMs.get(refreshToken) ?? this.nowMs()
    if (successorSpent || this.nowMs() - spentAtMs > 60_000) return null
    this.spentAtMs.set(refreshToken, spentAtMs)
    return this.issue(refreshToken)
  }

  private issue(parent: string | null): SignedIn {
    this.issued += 1
    const refreshToken = `refresh-${this.issued}`
    if (parent !== null) this.parents.set(refreshToken, parent)
    const user = { id: 'user-1', email: 'ann@example.org', displayName: 'Ann', createdAt: '' }
    return { user, accessToken: `access-${this.issued}`, refreshToken, expiresInS: 900 }
  }
}
