export type Batch = { readonly writes: number; readonly tookMs: number }

/** About what a write takes the process and a database that share a core (docs/performance.md). */
const WRITE_MS = 0.15
/** What a commit takes by itself at most where it counts as quick. */
const QUICK_COMMIT_MS = 50
const MAX_OF_QUICK = 200
const MAX = 500

/**
 * How many writes the next batch may hold, by what the last one took. Where commits are quick, few: under load rooms then take
 * turns, each with all that has gathered for it, and nobody waits for the end of a batch that holds every room. Where a commit
 * takes long by itself, as on a slow disk, as many as can be decided without holding up the process, since whoever is left out
 * waits for as long again.
 */
export function batchSize({ writes, tookMs }: Batch): number {
  const commitMs = tookMs - writes * WRITE_MS
  return commitMs <= QUICK_COMMIT_MS ? MAX_OF_QUICK : MAX
}
