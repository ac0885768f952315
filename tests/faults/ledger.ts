import { isDeepStrictEqual } from 'node:util'
import { type LogEvent, messagesOf, type WireMessage } from '../support/member-log.js'
import type { Person } from '../support/person.js'

const keyOf = (roomId: string, { senderId, clientMessageId }: WireMessage): string =>
  `${roomId} ${senderId} ${clientMessageId}`

/** What the server has promised and shown so far, and whether it still stands. Every violation is thrown. */
export class Ledger {
  private readonly acked = new Map<string, WireMessage>()
  private readonly logs = new Map<string, LogEvent[]>()
  private readonly stored = new Map<string, WireMessage>()

  get ackedCount(): number {
    return this.acked.size
  }

  get storedCount(): number {
    return this.stored.size
  }

  /** Takes an ack down; a repeated one must say the same as the first, and as what was read. */
  promise(roomId: string, message: WireMessage): void {
    const key = keyOf(roomId, message)
    const known = this.acked.get(key) ?? this.stored.get(key)
    if (known !== undefined && !isDeepStrictEqual(known, message))
      throw new Error(`${key} was answered with ${JSON.stringify(message)} after ${JSON.stringify(known)}`)
    this.acked.set(key, message)
  }

  /** Reads what is new in the room's log; it must go on without a hole, and hold each message once. */
  async readOn(reader: Person, roomId: string, url: string): Promise<void> {
    const log = this.logs.get(roomId) ?? []
    this.logs.set(roomId, log)
    for (const event of await eventsAfter(reader, roomId, url, log.length)) {
      if (event.seq !== log.length + 1)
        throw new Error(`seq ${event.seq} follows ${log.length} in the log of room ${roomId}`)
      log.push(event)
      for (const message of messagesOf([event])) this.store(roomId, message)
    }
  }

  /** After each room has been read on: everything that was acked must have been there. */
  confirm(): void {
    for (const [key, message] of this.acked)
      if (!this.stored.has(key)) throw new Error(`acked and not there: ${key} ${JSON.stringify(message)}`)
  }

  /** Reads the whole log anew; nothing that was ever shown may have changed. */
  async readAgain(reader: Person, roomId: string, url: string): Promise<void> {
    const events = await eventsAfter(reader, roomId, url, 0)
    if (events.length === 0 || !isDeepStrictEqual(events, this.logs.get(roomId)))
      throw new Error(`the log of room ${roomId} is not what ${reader.name} was shown before`)
  }

  /** The rows of all messages, as the tables must have them. */
  rows(): { roomId: string; seq: number; id: string; text: string }[] {
    return Array.from(this.logs, ([roomId, log]) =>
      messagesOf(log).map(({ seq, id, text }) => ({ roomId, seq, id, text })),
    ).flat()
  }

  heads(): Map<string, number> {
    return new Map(Array.from(this.logs, ([roomId, log]) => [roomId, log.length]))
  }

  private store(roomId: string, message: WireMessage): void {
    const key = keyOf(roomId, message)
    if (this.stored.has(key)) throw new Error(`stored twice: ${key}`)
    const promised = this.acked.get(key)
    if (promised !== undefined && !isDeepStrictEqual(promised, message))
      throw new Error(`${key} was acked as ${JSON.stringify(promised)} and is ${JSON.stringify(message)}`)
    this.stored.set(key, message)
  }
}

async function eventsAfter(reader: Person, roomId: string, url: string, since: number): Promise<LogEvent[]> {
  const events: LogEvent[] = []
  for (let hasMore = true; hasMore; ) {
    const after = events.at(-1)?.seq ?? since
    const answer = await reader.http(
      'GET',
      `/rooms/${roomId}/events?since=${after}&limit=500`,
      undefined,
      url,
    )
    if (answer.status !== 200) throw new Error(`reading the log: ${answer.status}`)
    events.push(...(answer.body.events as LogEvent[]))
    hasMore = answer.body.hasMore as boolean
  }
  return events
}
