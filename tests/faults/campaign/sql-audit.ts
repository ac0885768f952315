import type { Entry } from '../checker/history.js'
import { monotonicNs } from '../checker/history.js'
import type { HistoryWriter } from '../checker/history-file.js'
import type { Check } from './fault.js'
import type { CampaignDatabase } from './parts.js'

type EventRow = { seq: number; type: string; actor: string; facts: { messageId?: string; userId?: string } }
type MessageRow = { id: string; seq: number; sender: string; cmid: string; body: string; deleted: boolean }

/** Writes each room's log as the tables have it, past every server. */
export async function readTables(
  writer: HistoryWriter,
  { sql }: CampaignDatabase,
  roomIds: readonly string[],
): Promise<void> {
  for (const room of roomIds) {
    const [head] = await sql<{ head: number }[]>`select head from rooms where id = ${room}`
    const events = await sql<EventRow[]>`
      select seq, type, actor_id as actor, facts from room_events where room_id = ${room} order by seq`
    const messages = await sql<MessageRow[]>`
      select id, seq, sender_id as sender, client_message_id as cmid, text as body,
        deleted_at_ms is not null as deleted
      from messages where room_id = ${room}`
    const byId = new Map(messages.map((message) => [message.id, message]))
    writer.write({
      type: 'final',
      t: monotonicNs(),
      room,
      source: 'sql',
      instance: 'postgres',
      user: 'postgres',
      head: head?.head ?? 0,
      entries: events.map((event) => entryOfRow(event, byId)),
    })
  }
}

function entryOfRow({ seq, type, actor, facts }: EventRow, messages: ReadonlyMap<string, MessageRow>): Entry {
  const message = facts.messageId === undefined ? undefined : messages.get(facts.messageId)
  const showsMessage = type === 'message.sent' || type === 'message.edited'
  return {
    seq,
    event: type,
    actor,
    ...(facts.messageId === undefined ? {} : { mid: facts.messageId }),
    ...(message === undefined || !showsMessage
      ? {}
      : {
          message: {
            mid: message.id,
            seq: message.seq,
            sender: message.sender,
            cmid: message.cmid,
            body: message.body,
            deleted: message.deleted,
          },
        }),
    ...(facts.userId === undefined || !type.startsWith('member.') ? {} : { subject: facts.userId }),
  }
}

/** What must hold of the tables whatever anybody was told. */
export async function auditTables({ sql }: CampaignDatabase): Promise<Check> {
  const broken = await sql<{ what: string }[]>`
    with logs as (
      select r.id, r.head, count(e.seq) as events, count(distinct e.seq) as seqs,
        coalesce(min(e.seq), 0) as first, coalesce(max(e.seq), 0) as last
      from rooms r left join room_events e on e.room_id = r.id group by r.id
    )
    select 'the log of room ' || id || ' has ' || events || ' events with ' || seqs || ' seqs from ' || first || ' to '
      || last || ', its head is ' || head as what
    from logs where events <> head or seqs <> head or last <> head or first <> 1
    union all
    select 'room ' || room_id || ' has ' || count(*) || ' messages of ' || client_message_id
    from messages group by room_id, sender_id, client_message_id having count(*) > 1
    union all
    select 'message ' || m.id || ' has the seq of another event, ' || m.seq from messages m
    where exists (select 1 from room_changes c where c.room_id = m.room_id and c.seq = m.seq)
    union all
    select 'event ' || c.seq || ' of ' || c.room_id || ' names no earlier message' from room_changes c
    where c.type like 'message.%' and not exists (
      select 1 from messages m
      where m.id = (c.facts->>'messageId')::uuid and m.room_id = c.room_id and m.seq < c.seq
    )`
  const [counted] = await sql<{ events: number }[]>`select count(*) as events from room_events`
  return {
    name: 'tables: gapless logs, one row a client id, true heads',
    checked: counted?.events ?? 0,
    violations: broken.map(({ what }) => what),
  }
}
