const TICK_MS = 100
/** Longer than a busy loop is late. */
const STOOD_STILL_MS = 500
/** Then the sweep, which is overdue, has told who has left meanwhile and whose login has ended. */
const CATCH_UP_MS = 500
const HELD_MAX = 10_000

/**
 * Holds things back in a process that stood still (a stalled event loop, SIGSTOP, a suspended machine) until it has had time to
 * learn what happened meanwhile, and then lets them go in their order. Otherwise they go at once.
 */
export class Standstill {
  private readonly held: (() => void)[] = []
  private readonly ticking = setInterval(() => this.look(), TICK_MS).unref()
  private lookedAtMs = performance.now()
  private holdUntilMs = 0
  private releasing: NodeJS.Timeout | null = null

  /** False where too much is held already, so that this is never done. */
  afterwards(act: () => void): boolean {
    this.look()
    if (this.held.length === 0 && performance.now() >= this.holdUntilMs) {
      act()
      return true
    }
    if (this.held.length >= HELD_MAX) return false
    this.held.push(act)
    this.releasing ??= setTimeout(() => this.release(), this.holdUntilMs - performance.now()).unref()
    return true
  }

  close(): void {
    clearInterval(this.ticking)
    if (this.releasing !== null) clearTimeout(this.releasing)
    this.held.length = 0
  }

  private look(): void {
    const nowMs = performance.now()
    if (nowMs - this.lookedAtMs > STOOD_STILL_MS) this.holdUntilMs = nowMs + CATCH_UP_MS
    this.lookedAtMs = nowMs
  }

  private release(): void {
    this.releasing = null
    this.look()
    const waitMs = this.holdUntilMs - performance.now()
    if (waitMs > 0) {
      this.releasing = setTimeout(() => this.release(), waitMs).unref()
      return
    }
    for (const act of this.held.splice(0)) act()
  }
}
