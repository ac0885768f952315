/** What is published at once: who published it, and messages with their topics, in order. */
export type BusBatch = {
  readonly origin: string
  readonly messages: readonly (readonly [topic: string, text: string])[]
}

export const pack = (origin: string, messages: BusBatch['messages']): string =>
  JSON.stringify([origin, messages])

/** Null for what no process of this version has published. */
export function unpack(payload: string): BusBatch | null {
  try {
    const parsed: unknown = JSON.parse(payload)
    if (!Array.isArray(parsed) || typeof parsed[0] !== 'string' || !Array.isArray(parsed[1])) return null
    const [origin, messages] = parsed as [string, unknown[]]
    return messages.every(isMessage) ? { origin, messages: messages as BusBatch['messages'] } : null
  } catch {
    return null
  }
}

const isMessage = (message: unknown): boolean =>
  Array.isArray(message) && typeof message[0] === 'string' && typeof message[1] === 'string'
