import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

/**
 * The format of all that is signed: the shapes of values, and what a signature covers. Processes of another format take each other's
 * entries for garbage and write them anew, so that a rolling update to other shapes needs another number here, and nothing else.
 */
const FORMAT = 1
const PURPOSE = `parley: what processes tell each other by Redis, format ${FORMAT}`
const KEY_BYTES = 32
/** Half of the digest, which RFC 2104, section 5, takes for enough. */
const SIGNATURE_BYTES = 16

/**
 * Tells what processes with the same secret have written to Redis from what others have: HMAC-SHA256 (RFC 2104) by a key that HKDF
 * (RFC 5869) derives from the secret. Without a secret it tells nothing apart.
 */
export class Signer {
  private readonly key: KeyObject | null

  constructor(secret?: string) {
    if (secret === '') throw new RangeError('An empty secret is none')
    this.key =
      secret === undefined
        ? null
        : createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES)))
  }

  /** Of what is written at `name`, and nowhere else; 22 characters of base64url, or none without a secret. */
  sign(name: string, ...parts: readonly (string | Buffer)[]): string {
    if (this.key === null) return ''
    const all = [name, ...parts]
    // With their lengths before them, what ends one part cannot begin the next.
    const hmac = createHmac('sha256', this.key).update(
      `${all.map((part) => Buffer.byteLength(part)).join()}:`,
    )
    for (const part of all) hmac.update(part)
    return hmac.digest().toString('base64url', 0, SIGNATURE_BYTES)
  }

  isGenuine(signature: string, name: string, ...parts: readonly (string | Buffer)[]): boolean {
    if (this.key === null) return true
    const [given, right] = [Buffer.from(signature), Buffer.from(this.sign(name, ...parts))]
    return given.length === right.length && timingSafeEqual(given, right)
  }
}
