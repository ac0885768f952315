export type Batch = { readonly writes: number; readonly tookMs: number }

/** About what a write takes the process and a database that share a core (docs/performance.md). */
const WRITE_MS = 0.15
/** What a commit may take by itself, and how many writes the next batch may hold then; the first that fits. */
const MAX_BY_COMMIT_MS = [
  [20, 100],
  [50, 200],
] as const
const MAX = 500

/**
 * How many writes the next batch may hold, by what the last one took. Where commits are quick, few: under load rooms then take
 * turns, each with all that has gathered for it, and nobody waits for the end of a batch that holds every room. Where a commit
 * takes long by itself, as on a slow disk, as many as can be decided without holding up the process, since whoever is left out
 * waits for as long again.
 */
export function batchSize({ writes, tookMs }: Batch): number {
  const commitMs = tookMs - writes * WRITE_MS
  return MAX_BY_COMMIT_MS.find(([atMostMs]) => commitMs <= atMostMs)?.[1] ?? MAX
}
