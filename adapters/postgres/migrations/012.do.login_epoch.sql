-- Which logins live need not be looked up again while none has ended: to look up each sender's was a twelfth of what a send costs the
-- database. The epoch is another one after every transaction that ended a login or disabled an account. An id and no number, so
-- that a database that was restored does not come to an epoch that a process knows.
create table login_epoch (
  is_only boolean primary key default true check (is_only),
  epoch uuid not null
) with (fillfactor = 10); -- Each epoch rewrites the row: room for that in its page.
insert into login_epoch (epoch) values (gen_random_uuid());

create function begin_login_epoch() returns trigger language plpgsql as $$
begin
  update login_epoch set epoch = gen_random_uuid();
  return null;
end
$$;
-- Deferred: the row is locked last and for the commit alone, so that nobody who has it waits for another lock. Ends of logins are
-- committed one after the other for it. Tables in the order in which the product writes to them.
create constraint trigger begin_login_epoch after update on users deferrable initially deferred
for each row when (old.disabled_at_ms is null and new.disabled_at_ms is not null) execute function begin_login_epoch();
create constraint trigger begin_login_epoch after update on logins deferrable initially deferred
for each row when (old.ended_at_ms is null and new.ended_at_ms is not null) execute function begin_login_epoch();

-- append_messages of 010 that looks up no login known to live in the present epoch, locks and raises the rooms in one statement, and
-- is given less: for what nearly all batches have in common, null. The function of 010 stays for processes of the version before.
create function append_messages(
  -- In which the logins live that `login_ids` leaves out; null where it leaves out none.
  known_epoch uuid,
  -- One element a room.
  room_ids uuid[], heads bigint[], heads_after bigint[],
  -- One element a message, ascending by seq within its room.
  ids uuid[],
  -- Null where each room has one message: then they are those of the rooms, in their order.
  message_room_ids uuid[], seqs bigint[],
  sender_ids uuid[],
  -- Null where none has to be looked up.
  login_ids uuid[],
  client_message_ids text[], submitted_digests text[], delivered_unders text[], texts text[], at_mss bigint[],
  ordinals bigint[], sender_ordinals bigint[],
  -- False where the sender is known to have a message in the same block that has true; null where all are false.
  opens_blocks boolean[],
  -- The rooms that were as believed and were appended to; null, and nothing is done, where the epoch is not the known one.
  out appended uuid[], out epoch uuid
) language plpgsql set plan_cache_mode = 'force_generic_plan' as $$
declare
  barred uuid[] := '{}';
  used uuid[];
  violated text;
  -- Whether all rooms are appended to, as nearly always: then no message has to be looked up among them.
  is_whole boolean;
begin
  perform pg_advisory_xact_lock_shared(7310001);
  -- Behind the barrier, and before the logins: one that ends in between has ended after this epoch.
  epoch := (select e.epoch from login_epoch e);
  if known_epoch is not null and known_epoch is distinct from epoch then
    return;
  end if;
  if login_ids is not null then
    barred := array(
      select m.room_id
      from (
        select unnest(coalesce(message_room_ids, room_ids)) as room_id, unnest(sender_ids) as sender_id, unnest(login_ids) as login_id
      ) as m
      -- A scalar subquery: of EXISTS the planner may make a hash of the whole table.
      where m.login_id is not null and (
        select true from logins l join users u on u.id = l.user_id
        where l.id = m.login_id and l.user_id = m.sender_id and l.ended_at_ms is null and u.disabled_at_ms is null
      ) is null
    );
  end if;

  loop
    begin
      with raised as (
        update rooms r set head = w.head_after, messages_head = w.head_after
        from (
          select r.ctid as place, w.head_after
          from rooms r join (
            select unnest(room_ids) as id, unnest(heads) as head, unnest(heads_after) as head_after
          ) as w on w.id = r.id and w.head = r.head
          where r.id <> all (barred)
          for no key update of r skip locked
        ) as w
        where r.ctid = w.place
        returning r.id
      )
      select coalesce(array_agg(id), '{}') into appended from raised;
      is_whole := cardinality(appended) = cardinality(room_ids);

      insert into messages (
        id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
        ordinal, sender_ordinal, opens_block
      )
      select m.id, m.room_id, m.seq, m.sender_id, m.client_message_id, m.submitted_digest, m.delivered_under, m.text, m.at_ms,
        m.ordinal, m.sender_ordinal, coalesce(m.opens_block, false)
      from (
        select unnest(ids) as id, unnest(coalesce(message_room_ids, room_ids)) as room_id,
          unnest(coalesce(seqs, heads_after)) as seq, unnest(sender_ids) as sender_id,
          unnest(client_message_ids) as client_message_id, unnest(submitted_digests) as submitted_digest,
          unnest(delivered_unders) as delivered_under, unnest(texts) as text, unnest(at_mss) as at_ms,
          unnest(ordinals) as ordinal, unnest(sender_ordinals) as sender_ordinal, unnest(opens_blocks) as opens_block
      ) as m
      where is_whole or m.room_id = any (appended);
      return;
    exception when unique_violation then
      get stacked diagnostics violated = constraint_name;
      -- Committed before, as nobody else inserts into rooms that are locked here. Their locks are gone with the block: whoever appends
      -- before they are locked again raises the head.
      used := array(
        select m.room_id
        from (
          select unnest(coalesce(message_room_ids, room_ids)) as room_id, unnest(sender_ids) as sender_id,
            unnest(client_message_ids) as client_message_id
        ) as m
        where m.room_id = any (appended) and (
          select true from messages e
          where e.room_id = m.room_id and e.client_message_id = m.client_message_id
            and e.sender_id::text = m.sender_id::text
        )
      );
      -- What would be tried again as it was.
      if violated <> 'messages_by_client_id' or used = '{}' then
        raise;
      end if;
      barred := barred || used;
    end;
  end loop;
end
$$;
