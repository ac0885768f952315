/** Crockford's base 32: no letter that looks like a digit. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 28 symbols of 5 bits: 140 bits, of which 128 are needed. */
const SYMBOLS = 28

export const RESET_CODE_TTL_MS = 60 * 60_000

/** A code that a person can read out and type, from a random secret in base64url: each of its characters gives 5 of 6 bits. */
export function resetCode(secret: string): string {
  const symbols = Array.from(secret.slice(0, SYMBOLS), (char) => ALPHABET[BASE64URL.indexOf(char) & 31])
  return symbols.join('').replace(/.{4}(?=.)/g, '$&-')
}

/** The same text for every way to type a code: any case, with or without dashes and blanks, O for 0 and I or L for 1. */
export const typedCode = (code: string): string =>
  code.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
