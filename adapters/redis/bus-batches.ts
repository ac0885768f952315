/** What is published at once: who published it, and messages with their topics, in order. */
export type BusBatch = {
  readonly origin: string
  readonly messages: readonly (readonly [topic: string, text: string])[]
}

/** A signature, a colon and JSON. */
export function pack({ origin, messages }: BusBatch, sign: (text: string) => string): string {
  const text = JSON.stringify([origin, messages])
  return `${sign(text)}:${text}`
}

/** Whether it says to be of that process, signed or not: a process's own batches come back to it, and are nothing to it. */
export const claimsToBeOf = (origin: string, payload: string): boolean =>
  payload.startsWith(`[${JSON.stringify(origin)},`, payload.indexOf(':') + 1)

/** Null for what no process of this version that has the secret has published. */
export function unpack(
  payload: string,
  isGenuine: (signature: string, text: string) => boolean,
): BusBatch | null {
  const colon = payload.indexOf(':')
  const text = payload.slice(colon + 1)
  if (colon < 0 || !isGenuine(payload.slice(0, colon), text)) return null
  try {
    const parsed: unknown = JSON.parse(text)
    if (!Array.isArray(parsed) || typeof parsed[0] !== 'string' || !Array.isArray(parsed[1])) return null
    const [origin, messages] = parsed as [string, unknown[]]
    return messages.every(isMessage) ? { origin, messages: messages as BusBatch['messages'] } : null
  } catch {
    return null
  }
}

const isMessage = (message: unknown): boolean =>
  Array.isArray(message) && typeof message[0] === 'string' && typeof message[1] === 'string'
