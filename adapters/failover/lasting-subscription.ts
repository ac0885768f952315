import type { Unsubscribe } from '../../core/ports/bus-port.js'

/** A subscription that is wanted until it is ended, and asked for until a bus has taken it. */
export class LastingSubscription {
  private end: Unsubscribe | null = null
  private isAsking = false
  private wasAskedInVain = false
  private hasEnded = false

  constructor(private readonly subscribe: () => Promise<Unsubscribe>) {}

  get isTaken(): boolean {
    return this.end !== null
  }

  /** The bus has failed to take it, and has not taken it since. */
  get isOwed(): boolean {
    return this.wasAskedInVain && !this.isTaken && !this.hasEnded
  }

  /** Never rejects. Does nothing where it is taken, or is being asked for; true if it has been taken by this. */
  async ask(): Promise<boolean> {
    if (this.isTaken || this.isAsking || this.hasEnded) return false
    this.isAsking = true
    try {
      const end = await this.subscribe()
      if (this.hasEnded) end()
      else this.end = end
    } catch {
      this.wasAskedInVain = true
    } finally {
      this.isAsking = false
    }
    return this.isTaken
  }

  stop(): void {
    this.hasEnded = true
    this.end?.()
    this.end = null
  }
}
