import { COMMON_PASSWORDS } from './common-passwords.js'
import { invalid, type Refusal } from './refusal.js'
import { ok, type Result } from './result.js'
import { checkText } from './text.js'

/** In Unicode code points. Longer ones are refused, never cut. */
export const PASSWORD = { min: 8, max: 1_000 }

/**
 * A password that may be compared with a hash: NFC, so that it is the same from every keyboard (RFC 8265). Cheap, so that a
 * huge one is refused before it is hashed.
 */
export function checkPassword(path: string, password: string): Result<string, Refusal> {
  const text = checkText(path, password, PASSWORD.max)
  return text.ok ? ok(text.value.normalize('NFC')) : text
}

/** A password that may be set: long enough and not among the most common ones; what it is made of is its owner's choice. */
export function checkNewPassword(path: string, password: string): Result<string, Refusal> {
  const checked = checkPassword(path, password)
  if (!checked.ok) return checked
  if (Array.from(checked.value).length < PASSWORD.min)
    return invalid(path, `must have at least ${PASSWORD.min} characters`)
  if (COMMON_PASSWORDS.has(checked.value.normalize('NFKC').toLowerCase()))
    return invalid(path, 'is one of the most common passwords')
  return checked
}
