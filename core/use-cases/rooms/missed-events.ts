import type { RoomId } from '../../domain/ids.js'
import type { RoomEvent } from '../../domain/room-event.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'

type Ports = {
  log: Pick<RoomLogPort, 'read'>
  cache: CachePort
  settings: { readonly eventCacheMs: number }
}

type Events = readonly RoomEvent[]

/**
 * What the members of a room have missed who come back, as after an outage all do at once and most of them since the same event.
 * No message and no setting changes without an event, so what was read of these at a head is good for as long as that is the head.
 */
export class MissedEvents {
  /** Readings under way, by what is asked for. */
  private readonly underWay = new Map<string, Promise<Events>>()

  constructor(private readonly ports: Ports) {}

  /** The events after `since` up to the head, of a room whose head was just read. */
  async read(roomId: RoomId, since: number, headSeq: number): Promise<Events> {
    if (since === headSeq) return []
    const key = `events:${roomId}:${since}`
    const known = await this.ports.cache.get<Events>(key, headSeq)
    // A later one goes further than the caller may.
    if (known?.version === headSeq) return known.value
    const asked = `${key}:${headSeq}`
    const underWay = this.underWay.get(asked)
    if (underWay !== undefined) return underWay
    const reading = this.load(key, roomId, since, headSeq).finally(() => this.underWay.delete(asked))
    this.underWay.set(asked, reading)
    return reading
  }

  private async load(key: string, roomId: RoomId, since: number, headSeq: number): Promise<Events> {
    const { log, cache, settings } = this.ports
    const page = await log.read(roomId, since, headSeq - since)
    const events = page?.events ?? []
    if (page?.headSeq === headSeq && !events.some(showsPerson))
      await cache.put(key, headSeq, events, settings.eventCacheMs)
    return events
  }
}

/** Names of those who have left, and read markers, change without an event of the room. */
const showsPerson = ({ type }: RoomEvent): boolean => type.startsWith('member.')
