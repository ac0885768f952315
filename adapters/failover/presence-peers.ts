import type { MeetingPresence, Place } from './movable-presence.js'

/** Where the other living processes have their sockets, as of a moment ago. */
export class PresencePeers {
  private seen: ReadonlySet<Place> = new Set()
  /** When the last look began, or what was seen before counts no more. */
  private seenAtMs = Number.NEGATIVE_INFINITY
  private outdatedAtMs = Number.NEGATIVE_INFINITY
  private looking: Promise<void> | null = null
  /** Since when no process has been seen that cannot use the primary. */
  private freeSinceMs: number | null = null

  constructor(
    private readonly meeting: Pick<MeetingPresence, 'placesOfPeers'>,
    private readonly knownForMs: number,
  ) {}

  /** As of `knownForMs` before the call at most. */
  async places(): Promise<ReadonlySet<Place>> {
    // A look that begins from now on is enough, however long it takes.
    const neededMs = Math.max(this.outdatedAtMs, performance.now() - this.knownForMs)
    while (this.seenAtMs < neededMs) await this.look()
    return this.seen
  }

  placesNow(): Promise<ReadonlySet<Place>> {
    this.forget()
    return this.places()
  }

  /** What is known is not to be used any more. */
  forget(): void {
    this.outdatedAtMs = performance.now()
  }

  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = null
    })
    return this.looking
  }

  /** Whether each other process, too, has known for so long that all can use the primary. */
  areFree(): boolean {
    if (this.freeSinceMs === null) return false
    return this.seen.size === 0 || performance.now() - this.freeSinceMs > 2 * this.knownForMs
  }

  private async lookOnce(): Promise<void> {
    const startedAtMs = performance.now()
    this.seen = await this.meeting.placesOfPeers()
    this.seenAtMs = startedAtMs
    if (this.seen.has('here')) this.freeSinceMs = null
    else this.freeSinceMs ??= startedAtMs
  }
}
