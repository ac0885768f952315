const [FOUR, TWO, ZERO, NINE, BRACKET] = [52, 50, 48, 57, 91]

export type ClientEvent = { readonly ackId: number | null; readonly data: readonly [string, ...unknown[]] }

/**
 * Reads a message of Engine.IO that carries an event with a name, in the namespace `/`: `42`, the id of the ack or nothing, and a JSON
 * array (Socket.IO protocol, revision 5). Null for whatever is anything else.
 */
export function readEvent(message: string): ClientEvent | null {
  if (message.charCodeAt(0) !== FOUR || message.charCodeAt(1) !== TWO) return null
  let at = 2
  let code = message.charCodeAt(at)
  while (code >= ZERO && code <= NINE) {
    at += 1
    code = message.charCodeAt(at)
  }
  if (code !== BRACKET) return null
  const data = parsed(message.slice(at))
  return isNamed(data) ? { ackId: at === 2 ? null : Number(message.slice(2, at)), data } : null
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

const isNamed = (data: unknown): data is ClientEvent['data'] =>
  Array.isArray(data) && typeof data[0] === 'string'
