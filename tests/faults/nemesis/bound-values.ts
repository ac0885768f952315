import type { Heal } from './process-actions.js'
import type { TcpProxy } from './tcp-proxy.js'

export type BoundValues = {
  /** Of what has passed so far. */
  count(): number
  readonly heal: Heal
}

/**
 * Counts how often a value is bound, as text and by itself, to a parameter of a statement for Postgres: its length in four bytes,
 * then the value. One in an array has another length before it.
 */
export function countBoundValues(proxy: TcpProxy, value: string): BoundValues {
  const text = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeInt32BE(text.length)
  const bound = Buffer.concat([length, text])
  let counted = 0
  proxy.tapWith(() => {
    let rest = Buffer.alloc(0)
    return (chunk, way) => {
      if (way !== 'to-target') return 'pass'
      const bytes = Buffer.concat([rest, chunk])
      counted += occurrences(bytes, bound)
      rest = bytes.subarray(Math.max(0, bytes.length - bound.length + 1))
      return 'pass'
    }
  })
  return { count: () => counted, heal: async () => proxy.tapWith(null) }
}

function occurrences(bytes: Buffer, sought: Buffer): number {
  let found = 0
  for (let at = bytes.indexOf(sought); at !== -1; at = bytes.indexOf(sought, at + sought.length)) found += 1
  return found
}
