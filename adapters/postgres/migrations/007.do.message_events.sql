-- The row of a message is the event of its sending (docs/adr/0009): a row in the log told nothing that it does not, and made up a
-- fifth of what a send costs the database. What is left of the log are the other events, in room_changes; room_events, from here
-- on a view, is all of them.

-- As messages, written only with the room's row locked. It is this lock, and no index, that gives a seq to one row of the two.
create table room_changes (
  room_id uuid not null,
  seq bigint not null,
  type text not null check (type <> 'message.sent'),
  actor_id uuid not null,
  at_ms bigint not null,
  facts jsonb not null,
  primary key (room_id, seq)
);

-- From here on nobody appends: whoever had written an event has committed it with its message, and all others find the view.
lock table room_events in access exclusive mode;
do $$
begin
  if exists (
    select from (select * from room_events where type = 'message.sent') as e
    full join messages m on m.room_id = e.room_id and m.seq = e.seq
    where (e.actor_id, e.at_ms, e.facts) is distinct from
      (m.sender_id, m.created_at_ms, jsonb_build_object('messageId', m.id))
  ) then
    raise exception 'a message and the event of its sending differ';
  end if;
end
$$;
insert into room_changes (room_id, seq, type, actor_id, at_ms, facts)
select room_id, seq, type, actor_id, at_ms, facts from room_events where type <> 'message.sent';
drop table room_events;

create view room_events as
select room_id, seq, type, actor_id, at_ms, facts from room_changes
union all
select room_id, seq, 'message.sent', sender_id, created_at_ms, jsonb_build_object('messageId', id) from messages;

-- Processes of the version before insert their events while they are replaced: of a message they insert the row as well.
create function insert_room_event() returns trigger language plpgsql as $$
begin
  if new.type = 'message.sent' then
    return null;
  end if;
  insert into room_changes (room_id, seq, type, actor_id, at_ms, facts)
  values (new.room_id, new.seq, new.type, new.actor_id, new.at_ms, new.facts);
  return new;
end
$$;
create trigger insert_room_event instead of insert on room_events for each row execute function insert_room_event();

-- append_messages of 006 without the rows of events; that of 004 calls it. Arrays are taken apart in select lists: in FROM, each is
-- put into a store of its own before its first element is read, which costs a small batch more than its rows.
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
      select unnest(message_room_ids) as room_id, unnest(sender_ids) as sender_id, unnest(login_ids) as login_id,
        unnest(client_message_ids) as client_message_id
    ) as m
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

  is_whole := cardinality(free) = cardinality(room_ids);

  update rooms r set head = h.head, messages_head = h.head
  from (
    select m.room_id, max(m.seq) as head
    from (select unnest(message_room_ids) as room_id, unnest(seqs) as seq) as m group by m.room_id
  ) as h
  where r.id = h.room_id and (is_whole or r.id = any (free));

  insert into messages (
    id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
    ordinal, sender_ordinal, opens_block
  )
  select m.* from (
    select unnest(ids), unnest(message_room_ids) as room_id, unnest(seqs), unnest(sender_ids), unnest(client_message_ids),
      unnest(submitted_digests), unnest(delivered_unders), unnest(texts), unnest(at_mss), unnest(ordinals),
      unnest(sender_ordinals), unnest(opens_blocks)
  ) as m
  where is_whole or m.room_id = any (free);
  return free;
end
$$;
