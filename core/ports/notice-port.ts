import type { RoomId, UserId } from '../domain/ids.js'
import type { PresenceState } from './presence-port.js'

/** What is told once, to those who are connected, and never stored. */
export type Notice =
  | {
      readonly type: 'typing'
      readonly roomId: RoomId
      readonly userId: UserId
      readonly typing: boolean
      readonly expiresInMs: number
    }
  | { readonly type: 'receipt'; readonly roomId: RoomId; readonly userId: UserId; readonly readSeq: number }
  | PresenceNotice

export type PresenceNotice = {
  readonly type: 'presence'
  readonly roomId: RoomId
  readonly userId: UserId
  readonly state: PresenceState
  readonly atMs: number
}

export interface NoticePort {
  /** To all sockets that have joined the room of the notice, in every process. Never waits, never throws; may be lost on the way. */
  toRoom(notice: Notice): void
  /** To those of this process alone. */
  toRoomHere(notice: PresenceNotice): void
  /** `listener` gets what this process's sockets are told of presence by `toRoom`, of whatever process, in the same order. */
  onPresence(listener: (notice: PresenceNotice) => void): void
}
