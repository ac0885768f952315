import type { LoginId, SocketId, UserId } from '../domain/ids.js'

/** A live session: one connected socket of a login. It identifies; it admits nobody (the access token does). */
export type LiveSession = {
  readonly socketId: SocketId
  readonly userId: UserId
  readonly loginId: LoginId
  readonly connectedAtMs: number
}

/** Live sessions by socket id, of all processes. */
export interface SessionPort {
  put(session: LiveSession): Promise<void>
  /** Null where there is none, or where its login has ended. */
  find(socketId: SocketId): Promise<LiveSession | null>
  remove(socketId: SocketId): Promise<void>
}
