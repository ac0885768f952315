import { invalid, type Refusal } from './refusal.js'
import { ok, type Result } from './result.js'

/** RFC 5321 allows 254 octets for a path; what a mailbox accepts beyond this shape only its host knows. */
const EMAIL = /^[^\s@<>"(),:;[\]\\\p{Cc}\p{Cs}]{1,64}@[^\s@<>"(),:;[\]\\\p{Cc}\p{Cs}]{1,189}$/u

/** An address as it is stored: trimmed, NFC. Its lower-case form is what is unique. */
export function checkEmail(path: string, email: string): Result<string, Refusal> {
  if (email.length > 254) return invalid(path, 'must have at most 254 characters')
  const normal = email.trim().normalize('NFC')
  if (!EMAIL.test(normal)) return invalid(path, 'must be an e-mail address')
  return ok(normal)
}

export const emailKey = (email: string): string => email.trim().normalize('NFC').toLowerCase()
