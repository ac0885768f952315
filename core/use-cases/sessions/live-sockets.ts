import type { LoginId, SocketId, UserId } from '../../domain/ids.js'

/** A socket and who is behind it; without a login where the embedding service has authenticated the user itself. */
export type LiveSocket = {
  readonly socketId: SocketId
  readonly userId: UserId
  readonly loginId: LoginId | null
  readonly connectedAtMs: number
}

/** This process's own sockets, as many as it has connections. */
export type LiveSockets = Map<SocketId, LiveSocket>

/** Ends like a scope, so that it drops no other socket's whose id begins with this one's, and a cache need not search for it. */
export const sessionKey = (socketId: SocketId): string => `session:${socketId}:`
