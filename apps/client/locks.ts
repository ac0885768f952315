import type { Environment } from './options.js'

/** The Web Locks of the browser, as far as they are used. */
type LockManager = {
  request<T>(name: string, options: { signal: AbortSignal }, run: () => Promise<T>): Promise<T>
}

/** Longer than a request takes. A tab that is frozen with the lock in its hand must not stop the others for good. */
const WAIT_MS = 15_000

/**
 * Runs `run` while no other tab of this origin runs one of this name. Only spares requests: where there are no Web Locks, or
 * none to be had in time, it runs all the same, and the server's contract keeps the login whole.
 */
export async function exclusively<T>(
  name: string,
  environment: Environment,
  run: () => Promise<T>,
): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } }
  if (navigator?.locks === undefined) return run()
  const abort = new AbortController()
  const timer = environment.setTimeout(() => abort.abort(), WAIT_MS)
  let result: Promise<T> | null = null
  const start = (): Promise<T> => {
    environment.clearTimeout(timer)
    result = run()
    return result
  }
  try {
    return await navigator.locks.request(name, { signal: abort.signal }, start)
  } catch (error) {
    if (result === null) return start()
    throw error
  } finally {
    environment.clearTimeout(timer)
  }
}
