import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** The token of an `Authorization: Bearer` header, or null. */
export function bearerOf(headers: IncomingHttpHeaders): string | null {
  return /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(headers.authorization ?? '')?.[1] ?? null
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** In a time that tells nothing about where they differ. */
export const sameToken = (presented: string, expected: string): boolean =>
  timingSafeEqual(digest(presented), digest(expected))
