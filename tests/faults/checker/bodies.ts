/**
 * The texts of a workload. Each says whose it is, where it belongs and how often it was edited, so that whoever sees one can
 * tell whether it should be there: `canary-ROOM:USER:COUNTER`, then one token for each edit.
 */
export type Body = {
  readonly room: string
  readonly user: string
  readonly counter: number
  /** Unique tokens, one an edit, in their order. */
  readonly edits: readonly string[]
}

const CANARY = /canary-([\w-]+):([\w-]+):(\d+)/g
const BODY = /^canary-([\w-]+):([\w-]+):(\d+)((?: \+[\w-]+)*)$/

/** The text of a new message. `counter` is unique per user and room. */
export const bodyOf = (room: string, user: string, counter: number): string =>
  `canary-${room}:${user}:${counter}`

/** The same text with zeros before its counter, so that it takes `bytes`. */
export const lengthened = (body: string, bytes: number): string =>
  body.replace(/\d+$/, (counter) => counter.padStart(counter.length + bytes - body.length, '0'))

/** The text after one more edit. `token` (`[A-Za-z0-9_-]+`) is used once in a run. */
export const editedBody = (body: string, token: string): string => `${body} +${token}`

/** Null for what no workload wrote. */
export function parseBody(text: string): Body | null {
  const match = BODY.exec(text)
  if (match === null) return null
  const [, room = '', user = '', counter = '', edits = ''] = match
  return { room, user, counter: Number(counter), edits: edits.split(' +').slice(1) }
}

/** Every canary in a value of any shape, each once, as `ROOM:USER:COUNTER`. */
export function canariesIn(value: unknown): string[] {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return [
    ...new Set(Array.from(text.matchAll(CANARY), ([, room, user, counter]) => `${room}:${user}:${counter}`)),
  ]
}
