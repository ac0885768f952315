import { expect } from 'vitest'
import type { Sent, Stage } from './dialogs.js'
import type { Instances } from './instances.js'
import { type LogEvent, messagesOf, type WireMessage } from './member-log.js'
import { call, expectOk, type Person, until } from './person.js'

const PAGE = 200
const SNAPSHOT_MESSAGES = 50

type EventRow = { seq: number; type: string; actorId: string }
type MessageRow = Pick<WireMessage, 'seq' | 'id' | 'senderId' | 'clientMessageId' | 'text'>

/** What the database holds of a room, read past the server. */
export async function readRecord({ sql }: Instances, roomId: string) {
  const [room] = await sql<{ head: number }[]>`select head from rooms where id = ${roomId}`
  const events = await sql<EventRow[]>`
    select seq, type, actor_id as "actorId" from room_events where room_id = ${roomId} order by seq`
  const messages = await sql<MessageRow[]>`
    select seq, id, sender_id as "senderId", client_message_id as "clientMessageId", text
    from messages where room_id = ${roomId} order by seq`
  return { head: room?.head ?? 0, events: [...events], messages: [...messages] }
}

export async function fetchEvents(person: Person, roomId: string, url = person.url): Promise<LogEvent[]> {
  const events: LogEvent[] = []
  for (let hasMore = true; hasMore; ) {
    const since = events.at(-1)?.seq ?? 0
    const answer = await person.http(
      'GET',
      `/rooms/${roomId}/events?since=${since}&limit=500`,
      undefined,
      url,
    )
    expect(answer.status).toBe(200)
    events.push(...(answer.body.events as LogEvent[]))
    hasMore = answer.body.hasMore as boolean
  }
  return events
}

async function fetchMessages(person: Person, roomId: string): Promise<WireMessage[]> {
  const messages: WireMessage[] = []
  for (let hasMore = true; hasMore; ) {
    const before = messages[0] === undefined ? '' : `&before=${messages[0].seq}`
    const answer = await person.http('GET', `/rooms/${roomId}/messages?limit=${PAGE}${before}`)
    expect(answer.status).toBe(200)
    messages.unshift(...(answer.body.messages as WireMessage[]))
    hasMore = answer.body.hasMore as boolean
  }
  return messages
}

const ofRow = ({ seq, id, senderId, clientMessageId, text }: MessageRow): MessageRow => ({
  seq,
  id,
  senderId,
  clientMessageId,
  text,
})

/**
 * Waits until a room is at rest and then compares all that there is of it: the log of each member, a fresh snapshot, both lists
 * over HTTP, what was acked, and what the database holds. Answers how many messages it has.
 */
export async function expectOneRecord(
  instances: Instances,
  stage: Stage,
  sent: readonly Sent[],
): Promise<number> {
  const { roomId, speakers } = stage
  const record = await readRecord(instances, roomId)
  const logs = speakers.map(({ log }) => log)
  await until(
    'every member has the whole log',
    () => logs.every((log) => log.headSeq === record.head),
    20_000,
  )
  const [first] = speakers
  if (first === undefined) throw new Error('nobody is in the room')
  const { events } = first.log
  const messages = messagesOf(events)

  expect(record.events.map(({ seq }) => seq)).toEqual(Array.from({ length: record.head }, (_, i) => i + 1))
  expect(events.map(({ seq, type, actorId }) => ({ seq, type, actorId }))).toEqual(record.events)
  expect(messages.map(ofRow)).toEqual(record.messages)
  for (const { log, person } of speakers) {
    expect(log.anomalies).toEqual([])
    expect(log.behindGap).toBe(0)
    expect(log.events).toEqual(events)
    expect(await fetchEvents(person, roomId)).toEqual(events)
    expect(await fetchMessages(person, roomId)).toEqual(messages)
    const fresh = await person.connect()
    const joined = await expectOk(call(fresh, 'room:join', { roomId }))
    expect(joined.headSeq).toBe(record.head)
    expect((joined.snapshot as { messages: unknown }).messages).toEqual(messages.slice(-SNAPSHOT_MESSAGES))
    fresh.disconnect()
  }
  expect(sent.map(ofRow).sort((a, b) => a.seq - b.seq)).toEqual(record.messages)
  return messages.length
}
