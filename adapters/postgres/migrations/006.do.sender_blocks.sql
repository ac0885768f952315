-- An entry of an index for each message so that a sender's messages can be counted made up a fifth of what a send costs the
-- database. One for each block of 64 messages of a room (sender-blocks.ts) lets them be counted as well.
alter table messages add column opens_block boolean not null default true;
create unique index messages_by_sender_block on messages (room_id, sender_id, seq) include (sender_ordinal) where opens_block;
drop index messages_by_sender;

-- How many messages of a room a sender had sent by `up_to`. What they sent after the newest entry of the index lies in the same
-- block, so no more than the rest of one is looked at.
create function sender_ordinal_at(room uuid, sender uuid, up_to bigint default 9223372036854775807)
returns bigint language plpgsql stable as $$
declare
  opening record;
begin
  select m.seq, m.sender_ordinal into opening
  from messages m where m.room_id = room and m.sender_id = sender and m.seq <= up_to and m.opens_block
  order by m.seq desc limit 1;
  if opening is null then
    return 0;
  end if;
  return greatest(opening.sender_ordinal, (
    select max(later.sender_ordinal) from (
      select m.sender_id, m.sender_ordinal from messages m
      where m.room_id = room and m.seq > opening.seq and m.seq <= up_to
      order by m.seq limit 63
    ) as later where later.sender_id = sender
  ));
end
$$;

-- append_messages of 004 with `opens_blocks`.
create function append_messages(
  -- One element a room.
  room_ids uuid[], heads bigint[],
  -- One element a message, ascending by seq within its room.
  ids uuid[], message_room_ids uuid[], seqs bigint[], sender_ids uuid[], login_ids uuid[], client_message_ids text[],
  submitted_digests text[], delivered_unders text[], texts text[], at_mss bigint[],
  ordinals bigint[], sender_ordinals bigint[],
  -- False where the sender is known to have a message in the same block that has true.
  opens_blocks boolean[]
) returns uuid[] language plpgsql as $$
declare
  free uuid[];
  barred uuid[];
begin
  perform pg_advisory_xact_lock_shared(7310001);
  free := array(
    select r.id from rooms r join unnest(room_ids, heads) as w(id, head) on w.id = r.id and w.head = r.head
    order by r.id for no key update of r skip locked
  );
  barred := array(
    select m.room_id
    from unnest(message_room_ids, sender_ids, login_ids, client_message_ids)
      as m(room_id, sender_id, login_id, client_message_id)
    -- Scalar subqueries: of EXISTS the planner may make a hash of the whole table.
    where (
      select true from messages e
      where e.room_id = m.room_id and e.client_message_id = m.client_message_id
        and e.sender_id::text = m.sender_id::text
    ) or (
      m.login_id is not null and (
        select true from logins l join users u on u.id = l.user_id
        where l.id = m.login_id and l.user_id = m.sender_id and l.ended_at_ms is null and u.disabled_at_ms is null
      ) is null
    )
  );
  if barred <> '{}' then
    free := array(select id from unnest(free) as id where id <> all (barred));
  end if;

  update rooms r set head = h.head, messages_head = h.head
  from (
    select m.room_id, max(m.seq) as head from unnest(message_room_ids, seqs) as m(room_id, seq) group by m.room_id
  ) as h
  where r.id = h.room_id and r.id = any (free);

  insert into room_events (room_id, seq, type, actor_id, at_ms, facts)
  select m.room_id, m.seq, 'message.sent', m.sender_id, m.at_ms, jsonb_build_object('messageId', m.id)
  from unnest(ids, message_room_ids, seqs, sender_ids, at_mss) as m(id, room_id, seq, sender_id, at_ms)
  where m.room_id = any (free);

  insert into messages (
    id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
    ordinal, sender_ordinal, opens_block
  )
  select m.* from unnest(
    ids, message_room_ids, seqs, sender_ids, client_message_ids, submitted_digests, delivered_unders, texts, at_mss,
    ordinals, sender_ordinals, opens_blocks
  ) as m(
    id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, at_ms, ordinal, sender_ordinal,
    opens_block
  )
  where m.room_id = any (free);
  return free;
end
$$;

-- What processes of the version before call while they are replaced: to them each message opens a block.
create or replace function append_messages(
  room_ids uuid[], heads bigint[],
  ids uuid[], message_room_ids uuid[], seqs bigint[], sender_ids uuid[], login_ids uuid[], client_message_ids text[],
  submitted_digests text[], delivered_unders text[], texts text[], at_mss bigint[],
  ordinals bigint[], sender_ordinals bigint[]
) returns uuid[] language sql as $$
  select append_messages(
    room_ids, heads, ids, message_room_ids, seqs, sender_ids, login_ids, client_message_ids, submitted_digests,
    delivered_unders, texts, at_mss, ordinals, sender_ordinals, array_fill(true, array[cardinality(ids)])
  )
$$;
