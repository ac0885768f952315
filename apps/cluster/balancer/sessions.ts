import type { IncomingMessage } from 'node:http'

const PATH = '/socket.io/'
/** What Engine.IO answers a handshake over long polling with: an `open` packet. */
const OPEN = /^0\{"sid":"([A-Za-z0-9_-]{1,64})"/
const OPEN_MAX_BYTES = 1_024

export type SessionUse =
  | { readonly kind: 'none' }
  | { readonly kind: 'begins' }
  | { readonly kind: 'goes-on'; readonly id: string }

/** Whether a request belongs to a session of Socket.io. One over WebSocket alone is one connection and needs no name. */
export function sessionUse({ url = '' }: IncomingMessage): SessionUse {
  const [path, query = ''] = url.split('?', 2)
  if (path !== PATH) return { kind: 'none' }
  const parameters = new URLSearchParams(query)
  const id = parameters.get('sid')
  if (id !== null) return { kind: 'goes-on', id }
  return { kind: parameters.get('transport') === 'polling' ? 'begins' : 'none' }
}

/** Tells the id that the answer to a handshake gives, while that passes through to the client. */
export function readSessionId(answer: IncomingMessage, tell: (id: string) => void): void {
  if (answer.statusCode !== 200) return
  let head = ''
  const read = (chunk: Buffer): void => {
    head += chunk.toString('latin1')
    const id = OPEN.exec(head)?.[1]
    if (id !== undefined) tell(id)
    if (id !== undefined || head.length > OPEN_MAX_BYTES) answer.off('data', read)
  }
  answer.on('data', read)
}
