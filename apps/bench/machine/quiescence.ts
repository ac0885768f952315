import { setTimeout as sleep } from 'node:timers/promises'
import { coreOf, unpinnedBecause } from './pinning.js'
import { busyShares, coreTimes } from './proc.js'

const SAMPLE_MS = 500
/** Servers and databases that wait for work take a few hundredths of a core. */
const IDLE_SHARE = 0.1

/** The share of the next half second for which the servers' core is busy; null where that cannot be told. */
async function nextShare(): Promise<number | null> {
  const before = unpinnedBecause === null ? coreTimes() : null
  if (before === null) return null
  await sleep(SAMPLE_MS)
  return busyShares(before, coreTimes())?.[coreOf('server')] ?? null
}

/**
 * Waits until the servers' core has next to nothing to do, so that what one system does behind its answers, a vacuum or an index, does
 * not fall into the turn of another. False where it was busy for so long.
 */
export async function untilIdle(
  withinMs: number,
  shareOfNext: () => Promise<number | null> = nextShare,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  while (performance.now() < deadlineMs) {
    const share = await shareOfNext()
    if (share === null || share <= IDLE_SHARE) return true
  }
  return false
}
