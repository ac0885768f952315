/**
 * The group of a key or a scope: its text up to and including the second colon (`page:<room>:`); null where there are fewer. A cache drops
 * what lies in one group without a look at its other keys.
 */
export function groupOf(text: string): string | null {
  const first = text.indexOf(':')
  const second = text.indexOf(':', first + 1)
  return second > first ? text.slice(0, second + 1) : null
}
