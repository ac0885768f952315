import type { RoomEvent } from '../../../core/domain/room-event.js'
import type { Parley } from '../../../core/parley.js'
import { wireRoomEvents } from '../contract/to-wire.js'
import type { Metrics } from '../ops/metrics.js'
import type { Connections } from './connections.js'
import { splitAtDepartures } from './packets.js'
import { type RealtimeServer, roomChannel } from './wire.js'

type Parts = {
  readonly io: RealtimeServer
  readonly roomFeed: Parley['roomFeed']
  readonly connections: Connections
  readonly metrics: Metrics
}

/** Pushes the log of each followed room to the local sockets in it, and takes those out who have left. */
export function deliverRoomEvents({ io, roomFeed, connections, metrics }: Parts): void {
  roomFeed.onEvents((roomId, events: readonly RoomEvent[]) => {
    for (const packet of splitAtDepartures(events)) {
      // Encoded once, whatever the number of sockets.
      io.local.to(roomChannel(roomId)).emit('room:events', { roomId, events: wireRoomEvents(packet.events) })
      const { departed } = packet
      if (departed === null) continue
      for (const connection of connections.of(departed.userId)) connection.depart(roomId, departed.seq)
    }
    const nowMs = Date.now()
    for (const { atMs } of events) metrics.commitToDeliver.observe(Math.max(0, nowMs - atMs) / 1_000)
  })
}
