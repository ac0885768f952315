import type { DefaultEventsMap, Server, Socket } from 'socket.io'
import type { ServerEventName, ServerEventPayload } from '../contract/server-events.js'

export type ServerEventsMap = { [N in ServerEventName]: (payload: ServerEventPayload<N>) => void }

/** Socket.io's server and socket with what this product sends; what clients send is checked by schemas, not by types. */
export type RealtimeServer = Server<DefaultEventsMap, ServerEventsMap>
export type RealtimeSocket = Socket<DefaultEventsMap, ServerEventsMap>

/** Socket.io rooms: prefixed, because each socket also has a room of its own id. */
export const roomChannel = (roomId: string): string => `room:${roomId}`
export const userChannel = (userId: string): string => `user:${userId}`
