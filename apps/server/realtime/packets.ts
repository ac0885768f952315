import type { UserId } from '../../../core/domain/ids.js'
import type { RoomEvent } from '../../../core/domain/room-event.js'

export type Packet = {
  readonly events: readonly RoomEvent[]
  /** Who left with the last of these events, and gets nothing after it. */
  readonly departed: Departure | null
}

export type Departure = { readonly userId: UserId; readonly seq: number }

/** Cuts events that came together after each departure, so that a removed member gets that event and none behind it. */
export function splitAtDepartures(events: readonly RoomEvent[]): readonly Packet[] {
  const packets: Packet[] = []
  let start = 0
  events.forEach((event, index) => {
    if (event.type !== 'member.left') return
    const departed = { userId: event.data.userId, seq: event.seq }
    packets.push({ events: events.slice(start, index + 1), departed })
    start = index + 1
  })
  if (start < events.length) packets.push({ events: events.slice(start), departed: null })
  return packets
}
