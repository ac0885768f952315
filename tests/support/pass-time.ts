import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for so long and not less: a timer of Node may fire up to a millisecond early, in which a limit still refuses. */
export async function passTimeMs(ms: number): Promise<void> {
  const endsAtMs = performance.now() + ms
  for (let leftMs = ms; leftMs > 0; leftMs = endsAtMs - performance.now()) await sleep(Math.ceil(leftMs))
}
