import type { Refusal } from '../../domain/refusal.js'
import { type Fail, fail } from '../../domain/result.js'

/** One answer for an unknown address, a wrong password and a disabled account. */
export const wrongCredentials = (): Fail<Refusal> =>
  fail({ code: 'UNAUTHENTICATED', message: 'The e-mail address or the password is wrong.' })

/** One answer for an unknown address and for a code that is wrong, expired, replaced or used. */
export const wrongResetCode = (): Fail<Refusal> =>
  fail({
    code: 'UNAUTHENTICATED',
    message: 'The e-mail address or the code is wrong, or the code has expired.',
  })

export const refreshRefused = (): Fail<Refusal> =>
  fail({ code: 'UNAUTHENTICATED', message: 'This login has ended; sign in again.' })
