import type postgres from 'postgres'
import type { Transaction } from './connection.js'

/** Writes rows that are given as one JSON parameter, so that a statement has the same text for any number of them. */
export type Statement = (
  tx: Transaction,
  rows: postgres.PendingQuery<postgres.Row[]>,
) => postgres.PendingQuery<postgres.Row[]>

export const insertChanges: Statement = (tx, rows) => tx`
  insert into room_changes (room_id, seq, type, actor_id, at_ms, facts)
  select "roomId", seq, type, "actorId", "atMs", facts
  from ${rows} as t("roomId" uuid, seq bigint, type text, "actorId" uuid, "atMs" bigint, facts jsonb)`

/** How many messages a room has up to one of them, and how many of those its sender sent. */
export type OrdinalRow = {
  readonly room_id: string
  readonly sender_id: string
  readonly ordinal: number
  readonly sender_ordinal: number
}

/**
 * Counts on from the newest message of the room and from the sender's newest in it, to which nobody else adds meanwhile. All
 * of that is read before the first row is written, so that no look has to pass over what the statement itself has written. Each
 * opens a block for its sender, as if none were known (sender-blocks.ts).
 */
export const insertMessages: Statement = (tx, rows) => tx`
  with t as materialized (
    select * from ${rows} as t(
      id uuid, "roomId" uuid, seq bigint, "senderId" uuid, "clientMessageId" text, "submittedDigest" text,
      "deliveredUnder" text, text text, "replyTo" uuid, "threadId" uuid, "threadSeq" bigint, "threadBy" text, "atMs" bigint
    )
  ),
  counted as materialized (
    select "roomId", "senderId",
      coalesce((
        select m.ordinal from messages m where m.room_id = "roomId" order by m.seq desc limit 1
      ), 0) as before,
      sender_ordinal_at("roomId", "senderId") as "senderBefore"
    from (select distinct "roomId", "senderId" from t) as senders
  )
  insert into messages (
    id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text,
    reply_to, thread_id, thread_seq, thread_by, created_at_ms, ordinal, sender_ordinal
  )
  select
    id, "roomId", seq, "senderId", "clientMessageId", "submittedDigest", "deliveredUnder", text,
    "replyTo", "threadId", "threadSeq", "threadBy", "atMs",
    before + row_number() over (partition by "roomId" order by seq),
    "senderBefore" + row_number() over (partition by "roomId", "senderId" order by seq)
  from t join counted using ("roomId", "senderId")
  returning room_id, sender_id, ordinal, sender_ordinal`

export const insertVersions: Statement = (tx, rows) => tx`
  insert into message_versions (message_id, seq, text, at_ms)
  select "messageId", seq, text, "atMs"
  from ${rows} as t("messageId" uuid, seq bigint, text text, "atMs" bigint)`

export const updateTexts: Statement = (tx, rows) => tx`
  update messages m
  set text = t.text, edited_at_ms = t."atMs", delivered_under = t."deliveredUnder"
  from ${rows} as t(id uuid, text text, "deliveredUnder" text, "atMs" bigint)
  where m.id = t.id`

export const eraseTexts: Statement = (tx, rows) => tx`
  update messages m set text = '', deleted_at_ms = t."atMs"
  from ${rows} as t(id uuid, "atMs" bigint) where m.id = t.id`

export const eraseVersions: Statement = (tx, rows) => tx`
  delete from message_versions v using ${rows} as t(id uuid) where v.message_id = t.id`

export const setReactions: Statement = (tx, rows) => tx`
  with t as (select * from ${rows} as t("messageId" uuid, "userId" uuid, emoji text, "on" boolean, seq bigint)),
  off as (
    delete from message_reactions r using t
    where not t."on" and r.message_id = t."messageId" and r.emoji = t.emoji and r.user_id = t."userId"
  )
  insert into message_reactions (message_id, emoji, user_id, seq)
  select "messageId", emoji, "userId", seq from t where "on"
  on conflict (message_id, emoji, user_id) do update set seq = excluded.seq`

export const setFlags: Statement = (tx, rows) => tx`
  with t as (
    select * from ${rows}
      as t("messageId" uuid, "userId" uuid, "on" boolean, reason text, seq bigint, "atMs" bigint)
  ),
  off as (
    delete from message_flags f using t
    where not t."on" and f.message_id = t."messageId" and f.user_id = t."userId"
  )
  insert into message_flags (message_id, user_id, seq, reason, at_ms)
  select "messageId", "userId", seq, reason, "atMs" from t where "on"
  on conflict (message_id, user_id)
    do update set seq = excluded.seq, reason = excluded.reason, at_ms = excluded.at_ms`

export const putMembers: Statement = (tx, rows) => tx`
  insert into room_members (room_id, user_id, role, joined_at_ms, joined_seq, read_seq, told_name)
  select "roomId", "userId", role, "joinedAtMs", seq, "readSeq", "displayName"
  from ${rows}
    as t(
      "roomId" uuid, "userId" uuid, role text, "joinedAtMs" bigint, seq bigint, "readSeq" bigint, "displayName" text
    )
  on conflict (room_id, user_id) do update set
    role = excluded.role, joined_at_ms = excluded.joined_at_ms, joined_seq = excluded.joined_seq,
    read_seq = excluded.read_seq, told_name = excluded.told_name, left_at_ms = null`

export const updateRoles: Statement = (tx, rows) => tx`
  update room_members m set role = t.role, told_name = t."displayName"
  from ${rows} as t("roomId" uuid, "userId" uuid, role text, "displayName" text)
  where m.room_id = t."roomId" and m.user_id = t."userId"`

export const markLeft: Statement = (tx, rows) => tx`
  update room_members m set left_at_ms = t."atMs"
  from ${rows} as t("roomId" uuid, "userId" uuid, "atMs" bigint)
  where m.room_id = t."roomId" and m.user_id = t."userId"`

export const useInvitations: Statement = (tx, rows) => tx`
  update invitations i set uses = i.uses + t.uses
  from (select code, count(*)::integer as uses from ${rows} as t(code text) group by code) as t
  where i.code = t.code`

export const updateSettings: Statement = (tx, rows) => tx`
  update rooms r
  set name = t.name, mediation = t.mediation, send_anyway = t."sendAnyway", opt_out = t."optOut"
  from ${rows} as t("roomId" uuid, name text, mediation text, "sendAnyway" boolean, "optOut" boolean)
  where r.id = t."roomId"`
