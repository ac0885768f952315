import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import type { RoomId } from '../../domain/ids.js'
import type { RoomHeads } from '../../domain/room.js'
import { type RoomCommit, TOUCHES } from '../../domain/room-event.js'
import type { CachePort } from '../../ports/cache-port.js'
import type { MessagePage, MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomLogPort } from '../../ports/room-log-port.js'
import { SingleFlight } from '../single-flight.js'

type Ports = {
  messages: Pick<MessageRepoPort, 'page'>
  log: Pick<RoomLogPort, 'onCommitted'>
  cache: CachePort
  lifetimes: Readonly<CacheLifetimes>
}

/** So many rooms are remembered as ones of which there are pages; those of others end with their lifetime. */
const FILLED_MAX = 10_000

const scopeOf = (roomId: RoomId): string => `page:${roomId}:`

/** The newest page of a room, remembered for as long as nothing is done to the room's messages. */
export class NewestPages {
  private readonly flight = new SingleFlight<MessagePage>(({ headSeq }) => headSeq)
  /** Rooms of which this process has stored pages since it last dropped them. */
  private readonly filled = new Set<RoomId>()

  constructor(private readonly ports: Ports) {
    ports.log.onCommitted((commit) => this.committed(commit))
  }

  /** `heads` as the reader knows them: the page is of that moment or of a later one. */
  async read(roomId: RoomId, limit: number, { head, messages }: RoomHeads): Promise<MessagePage> {
    const key = `${scopeOf(roomId)}${limit}`
    const cached = await this.ports.cache.get<MessagePage>(key, messages)
    const page = cached?.value ?? (await this.flight.load(key, messages, () => this.load(key, roomId, limit)))
    // Between the two nothing was done to messages, so it is the page at the newer one.
    return page.headSeq >= head ? page : { ...page, headSeq: head }
  }

  private async load(key: string, roomId: RoomId, limit: number): Promise<MessagePage> {
    const { messages, cache, lifetimes } = this.ports
    const page = await messages.page(roomId, { before: null, after: null, limit })
    if (this.filled.size < FILLED_MAX) this.filled.add(roomId)
    await cache.put(key, page.headSeq, page, lifetimes.messagesMs)
    return page
  }

  /** Frees memory; a page is judged by its version. Texts that were taken back or changed are not left to their lifetime. */
  private committed({ roomId, events }: RoomCommit): void {
    const isTakenBack = events.some(({ type }) => type === 'message.deleted' || type === 'message.edited')
    const isOutdated = this.filled.has(roomId) && events.some(({ type }) => TOUCHES[type] === 'messages')
    if (!isTakenBack && !isOutdated) return
    this.filled.delete(roomId)
    void this.ports.cache.drop(scopeOf(roomId))
  }
}
