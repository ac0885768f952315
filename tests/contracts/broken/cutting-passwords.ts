import type { PasswordPort } from '../../../core/ports/password-port.js'

/** What bcrypt looks at. */
const CUT_AT = 72

/** Broken on purpose: it cuts a long password without a word. */
export class CuttingPasswords implements PasswordPort {
  constructor(private readonly passwords: PasswordPort) {}

  hash(password: string): Promise<string> {
    return this.passwords.hash(password.slice(0, CUT_AT))
  }

  verify(password: string, hash: string | null): ReturnType<PasswordPort['verify']> {
    return this.passwords.verify(password.slice(0, CUT_AT), hash)
  }
}
