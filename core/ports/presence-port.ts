import type { SocketId, UserId } from '../domain/ids.js'

export type PresenceState = 'online' | 'away' | 'offline'

export type Presence = {
  readonly userId: UserId
  readonly state: PresenceState
  /** When the user's last socket went; null while one is there, or if none was ever seen. */
  readonly lastSeenAtMs: number | null
}

/** A user is online while one of their sockets is, and away when all their sockets are. */
export interface PresencePort {
  /** Adds a socket of this process, or changes its state; tells the user's state before and after. */
  announce(userId: UserId, socketId: SocketId, state: 'online' | 'away'): Promise<PresenceChange>
  /** Takes a socket of this process away. Repeating it changes nothing. */
  withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange>
  /**
   * Renews this process's lease, and re-announces its sockets where the store has forgotten them. Answers the users of this
   * process whose state changed without anyone being told of it, by this call or since the last one, as they stand now: they
   * came back with the lease after the process was taken for dead, or a call that was to tell it failed. One who is told
   * here may have been told before.
   */
  beat(): Promise<readonly UserState[]>
  /**
   * Takes away what processes left behind whose lease ran out; the users who are offline by this call or an earlier one (each told to
   * one process). Neither this nor a beat tells of anybody as offline while sockets of other processes may be missing.
   */
  reap(): Promise<readonly UserId[]>
  /** In the order asked. `partial` = sockets of other processes could not be asked for, so users may stand higher than it says. */
  states(
    userIds: readonly UserId[],
  ): Promise<{ readonly presences: readonly Presence[]; readonly partial: boolean }>
  /**
   * The users whose state was changed since `mark`, by any process, whether or not anyone was told of it; null: only a mark, for
   * the next call. A dead process changes the state of whoever stands otherwise without it. Nobody is named again without another
   * change. Of what is longer ago than `PRESENCE_CHANGES_KEPT_MS` nothing is known.
   */
  changes(mark: string | null): Promise<PresenceChanges>
  /** Withdraws all sockets of this process and ends its lease. */
  leave(): Promise<void>
}

export type UserState = { readonly userId: UserId; readonly state: PresenceState }

export type PresenceChange = { readonly before: PresenceState; readonly after: PresenceState }

export type PresenceChanges = { readonly userIds: readonly UserId[]; readonly mark: string }

/** A process that has not renewed its lease for this long is taken for dead. */
export const PRESENCE_LEASE_MS = 30_000
export const PRESENCE_BEAT_MS = 10_000
/** Within two of these, and what reading takes, what was lost of a change is told. */
export const PRESENCE_REVIEW_MS = 2_000
export const PRESENCE_CHANGES_KEPT_MS = 10 * 60_000
