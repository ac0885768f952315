import { canariesIn } from '../../checker/bodies.js'

/** The canary of the first new message that a chunk holds; an edited text goes on behind its canary. */
export function messageIn(chunk: Buffer): string | null {
  const text = chunk.toString('latin1')
  return canariesIn(text).find((canary) => !text.includes(`canary-${canary} +`)) ?? null
}
