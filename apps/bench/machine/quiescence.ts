import { setTimeout as sleep } from 'node:timers/promises'
import { coreOf, unpinnedBecause } from './pinning.js'
import { busyShares, coreTimes } from './proc.js'

const SAMPLE_MS = 500
/** Servers and databases that wait for work take a few hundredths of a core. */
const IDLE_SHARE = 0.1
/** What waits for calmer times begins, as a rule, within two seconds of the last message. */
const IDLE_SAMPLES = 6

/** The share of the next half second for which the servers' core is busy; null where that cannot be told. */
async function nextShare(): Promise<number | null> {
  const before = unpinnedBecause === null ? coreTimes() : null
  if (before === null) return null
  await sleep(SAMPLE_MS)
  return busyShares(before, coreTimes())?.[coreOf('server')] ?? null
}

/**
 * Waits until the servers' core has had next to nothing to do for three seconds, so that what one system does behind its answers, an
 * index say, does not fall into the turn of another. False where it was busy for so long.
 */
export async function untilIdle(
  withinMs: number,
  shareOfNext: () => Promise<number | null> = nextShare,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs
  let idle = 0
  while (performance.now() < deadlineMs) {
    const share = await shareOfNext()
    if (share === null) return true
    idle = share <= IDLE_SHARE ? idle + 1 : 0
    if (idle === IDLE_SAMPLES) return true
  }
  return false
}
