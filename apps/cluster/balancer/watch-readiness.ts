import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend } from './backends.js'

const EVERY_MS = 500
const TIMEOUT_MS = 3_000
/** A busy server may miss one; one that says no is believed at once. */
const SILENCES = 3

/** Asks a server again and again whether it is ready, until `signal`. */
export async function watchReadiness(backend: Backend, signal: AbortSignal): Promise<void> {
  let silences = 0
  while (!signal.aborted) {
    const answer = await fetch(`${backend.url}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch(() => null)
    await answer?.body?.cancel()
    if (signal.aborted) return
    silences = answer === null ? silences + 1 : 0
    if (answer !== null) backend.isReady = answer.ok
    else if (silences >= SILENCES) backend.isReady = false
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}
