import type { Environment } from './options.js'

/** Looked up at each call, so that a test may put others in their place. */
const platform: Environment = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof globalThis.setTimeout>),
  random: () => Math.random(),
  newId: () => {
    // `randomUUID` is missing on pages that came over plain HTTP.
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  },
}

export const environmentOf = (given: Partial<Environment> = {}): Environment => ({ ...platform, ...given })
