import { isId, type UserId } from '../../domain/ids.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { AccountRepoPort } from '../../ports/account-repo-port.js'
import type { ClockPort } from '../../ports/clock-port.js'
import type { TokenPort } from '../../ports/token-port.js'
import { RESET_CODE_TTL_MS, resetCode, typedCode } from './reset-code.js'

type Ports = { accounts: AccountRepoPort; tokens: TokenPort; clock: ClockPort }

export type IssuedReset = {
  /** Shown once, to the administrator, who passes it on; only its digest is kept. */
  readonly code: string
  readonly expiresAtMs: number
}

/** For an administrator: makes a code with which a user may set a new password, in place of any earlier one. */
export class IssuePasswordReset {
  constructor(private readonly ports: Ports) {}

  async execute(input: { readonly userId: UserId }): Promise<Result<IssuedReset, Refusal>> {
    const { accounts, tokens, clock } = this.ports
    if (!isId(input.userId)) return notFound()
    const code = resetCode(tokens.mintSecret())
    const expiresAtMs = clock.nowMs() + RESET_CODE_TTL_MS
    const known = await accounts.putResetCode(input.userId, tokens.digest(typedCode(code)), expiresAtMs)
    return known ? ok({ code, expiresAtMs }) : notFound()
  }
}
