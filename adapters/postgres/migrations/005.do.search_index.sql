-- What search looks up, apart from the messages, so that a send does not pay for it: it is filled a little later (docs/adr/0008).

-- The words of a message. The room is a word of its own, which no text can contain, so that one index finds words within a room.
create function words_of(room_id uuid, text text) returns tsvector language sql immutable parallel safe as $$
  select array_to_tsvector(array['room ' || room_id::text]) || to_tsvector('simple', text)
$$;

-- No row for what is deleted, or lies above the room's search head.
create table message_words (
  room_id uuid not null,
  seq bigint not null,
  words tsvector not null,
  primary key (room_id, seq)
);

-- At most one row a room. Whoever changes rows of message_words holds that of their room locked.
create table search_heads (
  room_id uuid primary key,
  -- All messages up to here are in message_words.
  seq bigint not null
) with (fillfactor = 50);

-- From here on nobody adds messages.
lock table messages in access exclusive mode;
insert into message_words (room_id, seq, words) select room_id, seq, words from messages where deleted_at_ms is null;
insert into search_heads (room_id, seq) select id, messages_head from rooms where messages_head > 0;
drop index messages_by_word;
alter table messages drop column words;

-- Each search reads the list of what has not been sorted into the index, 5 ms where it may grow to its usual 4 MB.
create index messages_by_word on message_words using gin (words) with (gin_pending_list_limit = 512);
