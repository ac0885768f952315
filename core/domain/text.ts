import { invalid, type Refusal } from './refusal.js'
import { ok, type Result } from './result.js'

/** Limits in Unicode code points, from the wire contract. */
export const MESSAGE_MAX = 8_000
export const DISPLAY_NAME = { min: 1, max: 60 }
export const ROOM_NAME = { min: 1, max: 100 }
export const REASON_MAX = 500
export const SEARCH_MAX = 200

const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** Line breaks, bidi overrides and isolates, and invisible characters have no place in a name that others see. */
const FORBIDDEN_IN_NAMES =
  /[\p{Cc}\u061C\u200B\u200E\u200F\u2028\u2029\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF\u00AD\u180E]/u

/** U+200C and U+200D join letters (Persian, Hindi) and emoji; anywhere else they only hide. */
const STRAY_JOINER =
  /(?<![\p{L}\p{M}\p{Extended_Pictographic}])[\u200C\u200D]|[\u200C\u200D](?![\p{L}\p{M}\p{Extended_Pictographic}])/u

const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Free text kept as it was written: 1 to `max` code points, not blank, no NUL, no lone surrogate. */
export function checkText(path: string, text: string, max: number): Result<string, Refusal> {
  if (!isStorable(text)) return invalid(path, 'must not contain NUL or lone surrogates')
  if (text.trim() === '') return invalid(path, 'must not be empty')
  // A code point is one code unit or two, so only a text in between need be walked.
  if (text.length > 2 * max || (text.length > max && codePoints(text) > max))
    return invalid(path, `must have at most ${max} characters`)
  return ok(text)
}

/** A name that others see: NFC, trimmed, within `limits` code points, and without characters that disguise it. */
export function checkName(
  path: string,
  name: string,
  limits: { readonly min: number; readonly max: number },
): Result<string, Refusal> {
  if (name.length > 4 * limits.max) return invalid(path, `must have at most ${limits.max} characters`)
  if (!isStorable(name)) return invalid(path, 'must not contain NUL or lone surrogates')
  const normal = name.normalize('NFC').trim()
  if (FORBIDDEN_IN_NAMES.test(normal) || STRAY_JOINER.test(normal))
    return invalid(path, 'must not contain control, direction or invisible characters')
  const length = codePoints(normal)
  if (length < limits.min || length > limits.max)
    return invalid(path, `must have ${limits.min} to ${limits.max} characters`)
  return ok(normal)
}

const EMOJI = /^\p{RGI_Emoji}$/v

/** One emoji as recommended for general interchange (Unicode UTS #51), skin tones and joined sequences included. */
export const isEmoji = (value: string): boolean => value.length <= 40 && EMOJI.test(value)
