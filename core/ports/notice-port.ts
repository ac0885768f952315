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
  | {
      readonly type: 'presence'
      readonly roomId: RoomId
      readonly userId: UserId
      readonly state: PresenceState
      readonly atMs: number
    }

export interface NoticePort {
  /** To all sockets that have joined the room of the notice, in every process. Never waits, never throws. */
  toRoom(notice: Notice): void
}
