/** About what it takes to commit a hundred writes on a core that has much else to do. */
const QUICK_MS = 50
const MAX = { quick: 100, slow: 500 }

/**
 * How many writes the next batch may hold. Where commits are quick, few: under load rooms then take turns, each with all that
 * has gathered for it, and nobody waits for the end of a batch that holds every room. Where one takes long, as on a slow disk,
 * as many as can be decided without holding up the process, since whoever is left out waits for as long again.
 */
export const batchSize = (lastBatchMs: number): number => (lastBatchMs <= QUICK_MS ? MAX.quick : MAX.slow)
