import type { RoomId } from '../../../core/domain/ids.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { Parley } from '../../../core/parley.js'
import { wireRoomEvents } from '../contract/to-wire.js'
import type { Metrics } from '../ops/metrics.js'
import type { Connections } from './connections.js'
import { type Departure, splitAtDepartures } from './packets.js'
import { tellHere } from './short-way.js'
import { type RealtimeServer, roomChannel } from './wire.js'

type Parts = {
  readonly io: RealtimeServer
  readonly roomFeed: Parley['roomFeed']
  readonly connections: Connections
  readonly metrics: Metrics
}

/** Pushes the log of each followed room to the local sockets in it, and takes those out who have left. */
export function deliverRoomEvents({ io, roomFeed, connections, metrics }: Parts): void {
  const depart = (roomId: RoomId, { userId, seq }: Departure): void => {
    for (const connection of connections.of(userId)) connection.depart(roomId, seq)
  }

  roomFeed.onEvents((roomId, events: readonly RoomEvent[]) => {
    for (const packet of splitAtDepartures(events)) {
      try {
        tellHere(io, roomChannel(roomId), 'room:events', { roomId, events: wireRoomEvents(packet.events) })
      } finally {
        // Whoever has left hears nothing more, whatever went wrong.
        if (packet.departed !== null) depart(roomId, packet.departed)
      }
    }
    const nowMs = Date.now()
    for (const { atMs } of events) metrics.commitToDeliver.observe(Math.max(0, nowMs - atMs) / 1_000)
  })
}
