import type { RoomCommit } from '../../core/domain/room-event.js'

/** Who is told of this process's commits. Shared by all that append to rooms: the log, and the profile change of an account. */
export class CommitListeners {
  private readonly listeners: ((commit: RoomCommit) => void)[] = []

  /** `onError` is told what a listener throws: the commit stands, so nothing else may suffer from it. */
  constructor(private readonly onError: (error: unknown) => void) {}

  add(listener: (commit: RoomCommit) => void): void {
    this.listeners.push(listener)
  }

  /** To be called after the commit and before it is answered. Does not throw. */
  tell(commits: Iterable<RoomCommit>): void {
    for (const commit of commits)
      for (const listener of this.listeners)
        try {
          listener(commit)
        } catch (error) {
          this.onError(error)
        }
  }
}
