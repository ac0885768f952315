-- Before there are statistics the planner takes two indexes that begin with room and sender for equally good, and where it took
-- messages_by_sender it read all that the sender had sent. With the client id in second place, and the sender compared as
-- text, this one alone fits (append_messages below, readEarlier in room-facts.ts).
alter table messages drop constraint messages_by_client_id;
alter table messages add constraint messages_by_client_id unique (room_id, client_message_id, sender_id);

-- Appends messages to rooms of which the caller believes to know everything that decides about them. A room's head tells
-- whether that is so: nothing of a room changes without raising it. What the head does not tell is looked at here: whether the
-- senders' logins live, and whether a message with the same client id is there. Rooms of which something is not as believed,
-- or which others hold locked, are left alone; the answer is those that were appended to.
--
-- One call instead of a transaction of many statements: what a batch costs is, most of all, how often the two sides wake each
-- other. Each statement of a volatile function sees what was committed before it began, so the logins are read behind the
-- barrier (write-barrier.ts).
create function append_messages(
  -- One element a room.
  room_ids uuid[], heads bigint[],
  -- One element a message, ascending by seq within its room.
  ids uuid[], message_room_ids uuid[], seqs bigint[], sender_ids uuid[], login_ids uuid[], client_message_ids text[],
  submitted_digests text[], delivered_unders text[], texts text[], at_mss bigint[],
  -- How many messages the room has up to this one, and how many of them are its sender's: counted by the caller, whose counts
  -- are right if the head is.
  ordinals bigint[], sender_ordinals bigint[]
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
    ordinal, sender_ordinal
  )
  select m.* from unnest(
    ids, message_room_ids, seqs, sender_ids, client_message_ids, submitted_digests, delivered_unders, texts, at_mss,
    ordinals, sender_ordinals
  ) as m(
    id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, at_ms, ordinal, sender_ordinal
  )
  where m.room_id = any (free);
  return free;
end
$$;
