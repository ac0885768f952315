import type { RoomId } from '../../domain/ids.js'
import type { RoomEvent } from '../../domain/room-event.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'

type Ports = {
  log: Pick<RoomLogPort, 'read'>
  cache: CachePort
  settings: { readonly eventCacheMs: number }
}

/**
 * What the members of a room have missed who come back, as after an outage all do at once and most of them since the same event.
 * Nothing that an event names changes without an event of its own, so what was read at a head is good for as long as that is the
 * head.
 */
export class MissedEvents {
  constructor(private readonly ports: Ports) {}

  /** The events after `since` up to the head, of a room whose head was just read. */
  async read(roomId: RoomId, since: number, headSeq: number): Promise<readonly RoomEvent[]> {
    if (since === headSeq) return []
    const { log, cache, settings } = this.ports
    const key = `events:${roomId}:${since}`
    const known = await cache.get<readonly RoomEvent[]>(key, headSeq)
    // A later one goes further than the caller may.
    if (known?.version === headSeq) return known.value
    const page = await log.read(roomId, since, headSeq - since)
    const events = page?.events ?? []
    if (page?.headSeq === headSeq && !events.some(showsReadMarker))
      await cache.put(key, headSeq, events, settings.eventCacheMs)
    return events
  }
}

/** Read markers move without an event. */
const showsReadMarker = ({ type }: RoomEvent): boolean => type === 'member.joined'
