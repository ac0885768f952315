import { groupOf } from '../../core/ports/cache-scope.js'

/**
 * How keys of the cache are laid out: `page:<room>:<filter>` as `…cache:{page:<room>:}<filter>`. What has two colons belongs to a
 * group, the text up to the second; the entries of a group lie in one slot of a cluster, beside an index by which they are dropped. The
 * entry that has no more than the group's name (`session:<socket>:`) is found without it.
 */
export type EntryKey = { readonly entry: string; readonly index: string | null }

export function entryKey(prefix: string, key: string): EntryKey {
  const group = groupOf(key)
  if (group === null || group === key) return { entry: `${prefix}cache:{${key}}`, index: null }
  return { entry: `${prefix}cache:{${group}}${key.slice(group.length)}`, index: indexKey(prefix, group) }
}

export const indexKey = (prefix: string, group: string): string => `${prefix}cache-index:{${group}}`

/** A pattern of SCAN that all entries fit whose keys begin with `scope`, which ends before the second colon. */
export const scanPattern = (prefix: string, scope: string): string =>
  `${literal(`${prefix}cache:{${scope}`)}*`

const literal = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&')
