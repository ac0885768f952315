import { canariesIn } from '../../checker/bodies.js'

/** The canary of the first new message that a chunk holds; an edited text goes on behind its canary. */
export function messageIn(chunk: Buffer): string | null {
  const text = chunk.toString('latin1')
  return canariesIn(text).find((canary) => !text.includes(`canary-${canary} +`)) ?? null
}

/**
 * Whether an answer of Postgres says that a message was stored by the short way of plain sends: `append_messages` answers the
 * rooms that were as they were believed to be, as a JSON list. A message of another room is stored later, or not at all.
 */
export function isStoredBy(answer: Buffer, canary: string): boolean {
  const [room = ''] = canary.split(':')
  return new RegExp(`[[,]"${room}"[,\\]]`).test(answer.toString('latin1'))
}
