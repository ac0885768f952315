export type Way = 'to-target' | 'to-client'

/** What a proxy does, to the connections that are open as to those that come. */
export type ProxyMode =
  | { readonly is: 'up' }
  /** Cuts what is open and refuses what comes. */
  | { readonly is: 'down' }
  /** Accepts, passes nothing in either direction, closes nothing. */
  | { readonly is: 'frozen' }
  /** Passes everything late and in order; each chunk by `delayMs` ± `jitterMs`, and no faster than `bytesPerSecond`. */
  | {
      readonly is: 'slow'
      readonly delayMs: number
      readonly jitterMs?: number
      readonly bytesPerSecond?: number
    }
  /** Writes each chunk in pieces: its first bytes one by one, what follows as one. */
  | { readonly is: 'sliced'; readonly firstBytes: number }
  /** Answers with RST, on open connections and on each new one. */
  | { readonly is: 'reset' }
  /** One direction passes, the other is frozen. */
  | { readonly is: 'one-way'; readonly passes: Way }
  /**
   * Who was connected has vanished: the target keeps connections on which nothing comes or is read, and gets neither FIN
   * nor RST. (The kernel still acknowledges what the target writes, up to its buffers.) New connections pass.
   */
  | { readonly is: 'half-open' }

export const UP: ProxyMode = { is: 'up' }

export const isBlocked = (mode: ProxyMode, way: Way): boolean =>
  mode.is === 'frozen' || (mode.is === 'one-way' && mode.passes !== way)

/** When a chunk of this size that comes now is due, not before the one ahead of it. */
export function dueMs(
  mode: ProxyMode,
  bytes: number,
  nowMs: number,
  lastDueMs: number,
  chance: () => number,
): number {
  if (mode.is !== 'slow') return Math.min(nowMs, lastDueMs)
  const { delayMs, jitterMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = mode
  const arrivalMs = nowMs + Math.max(0, delayMs + jitterMs * (2 * chance() - 1))
  return Math.max(arrivalMs, lastDueMs + (bytes * 1_000) / bytesPerSecond)
}

/** What a chunk that comes in this mode is passed as. */
export function piecesOf(mode: ProxyMode, chunk: Buffer): readonly Buffer[] {
  if (mode.is !== 'sliced') return [chunk]
  const count = Math.min(mode.firstBytes, chunk.length)
  const bytes = Array.from({ length: count }, (_, at) => chunk.subarray(at, at + 1))
  return count === chunk.length ? bytes : [...bytes, chunk.subarray(count)]
}
