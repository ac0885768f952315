-- append_messages of 007 that looks for used client ids only where the index has found one: to look for each was a sixth of what
-- a send costs the database, and nearly every id is new.
create or replace function append_messages(
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
  violated text;
  -- Whether all rooms are appended to, as nearly always: then no message has to be looked up among them.
  is_whole boolean;
begin
  perform pg_advisory_xact_lock_shared(7310001);
  free := array(
    select r.id
    from rooms r join (select unnest(room_ids) as id, unnest(heads) as head) as w on w.id = r.id and w.head = r.head
    order by r.id for no key update of r skip locked
  );
  barred := array(
    select m.room_id
    from (
      select unnest(message_room_ids) as room_id, unnest(sender_ids) as sender_id, unnest(login_ids) as login_id
    ) as m
    -- A scalar subquery: of EXISTS the planner may make a hash of the whole table.
    where m.login_id is not null and (
      select true from logins l join users u on u.id = l.user_id
      where l.id = m.login_id and l.user_id = m.sender_id and l.ended_at_ms is null and u.disabled_at_ms is null
    ) is null
  );

  loop
    if barred <> '{}' then
      free := array(select id from unnest(free) as id where id <> all (barred));
    end if;
    is_whole := cardinality(free) = cardinality(room_ids);
    begin
      insert into messages (
        id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
        ordinal, sender_ordinal, opens_block
      )
      select m.* from (
        select unnest(ids), unnest(message_room_ids) as room_id, unnest(seqs), unnest(sender_ids),
          unnest(client_message_ids), unnest(submitted_digests), unnest(delivered_unders), unnest(texts),
          unnest(at_mss), unnest(ordinals), unnest(sender_ordinals), unnest(opens_blocks)
      ) as m
      where is_whole or m.room_id = any (free);
      exit;
    exception when unique_violation then
      get stacked diagnostics violated = constraint_name;
      -- Committed before: with the locks of the rooms nobody else inserts into them.
      barred := array(
        select m.room_id
        from (
          select unnest(message_room_ids) as room_id, unnest(sender_ids) as sender_id,
            unnest(client_message_ids) as client_message_id
        ) as m
        where m.room_id = any (free) and (
          select true from messages e
          where e.room_id = m.room_id and e.client_message_id = m.client_message_id
            and e.sender_id::text = m.sender_id::text
        )
      );
      -- What would be tried again as it was.
      if violated <> 'messages_by_client_id' or barred = '{}' then
        raise;
      end if;
    end;
  end loop;

  update rooms r set head = h.head, messages_head = h.head
  from (
    select m.room_id, max(m.seq) as head
    from (select unnest(message_room_ids) as room_id, unnest(seqs) as seq) as m group by m.room_id
  ) as h
  where r.id = h.room_id and (is_whole or r.id = any (free));
  return free;
end
$$;
