create table rooms (
  id uuid primary key,
  name text not null,
  kind text not null check (kind in ('direct', 'group')),
  mediation text not null check (mediation in ('off', 'advise', 'hold')),
  send_anyway boolean not null,
  opt_out boolean not null,
  created_at_ms bigint not null,
  -- Seq of the newest event, and of the newest that touched each kind. Changed by whoever holds this row locked, alone.
  head bigint not null,
  messages_head bigint not null,
  threads_head bigint not null,
  members_head bigint not null,
  check (greatest(messages_head, threads_head, members_head) <= head)
) with (fillfactor = 50); -- Every event rewrites the row: room for that in its page.

-- The log. It holds ids and small facts, never text, so that nothing deleted can be replayed. Written only with the room's row
-- locked, which is why neither this table nor messages has a foreign key to it to be checked for each row.
create table room_events (
  room_id uuid not null,
  seq bigint not null,
  type text not null,
  actor_id uuid not null,
  at_ms bigint not null,
  facts jsonb not null,
  primary key (room_id, seq)
);

create table room_members (
  room_id uuid not null references rooms,
  user_id uuid not null references users,
  role text not null check (role in ('observer', 'member', 'moderator', 'owner')),
  joined_at_ms bigint not null,
  -- Seq of the event of joining: the order of the members.
  joined_seq bigint not null,
  read_seq bigint not null,
  -- The display name in the last event of the room that names it: that of the user, but for a renaming under way.
  told_name text not null,
  -- Set for a former member, who counts as none; the row stays so that they can be told.
  left_at_ms bigint,
  primary key (room_id, user_id)
) with (fillfactor = 80);

create index room_members_by_user on room_members (user_id, room_id) where left_at_ms is null;

create table messages (
  id uuid primary key,
  room_id uuid not null,
  seq bigint not null,
  sender_id uuid not null,
  client_message_id text not null,
  -- Of the text first submitted.
  submitted_digest text not null,
  -- The decision under which the present text came before others: no message without one.
  delivered_under text not null
    check (delivered_under in ('off', 'clear', 'rewritten', 'edited', 'sent-anyway')),
  text text not null,
  reply_to uuid,
  thread_id uuid,
  thread_seq bigint,
  thread_by text check (thread_by in ('member', 'auto')),
  created_at_ms bigint not null,
  -- How many messages the room has up to this one, and how many of them its sender has sent. Rows are never removed, so the
  -- difference of two tells how many lie between, without looking at them.
  ordinal bigint not null,
  sender_ordinal bigint not null,
  edited_at_ms bigint,
  deleted_at_ms bigint,
  -- The room is a word of its own, which no text can contain, so that one index finds words within a room.
  words tsvector not null generated always as (
    array_to_tsvector(array['room ' || room_id::text]) || to_tsvector('simple', text)
  ) stored,
  constraint messages_by_seq unique (room_id, seq) include (ordinal),
  constraint messages_by_client_id unique (room_id, sender_id, client_message_id),
  constraint messages_erased check (deleted_at_ms is null or text = '')
) with (fillfactor = 90);

create unique index messages_by_sender on messages (room_id, sender_id, seq) include (sender_ordinal);

create index messages_deleted on messages (room_id, seq) include (sender_id) where deleted_at_ms is not null;

create index messages_by_word on messages using gin (words) where deleted_at_ms is null;

-- Texts that an edit replaced; the present one is in messages.
create table message_versions (
  message_id uuid not null references messages,
  -- Seq of the event that replaced it.
  seq bigint not null,
  text text not null,
  at_ms bigint not null,
  primary key (message_id, seq)
);

create table message_reactions (
  message_id uuid not null references messages,
  emoji text not null,
  user_id uuid not null,
  -- Seq of the event: the order of the reactions.
  seq bigint not null,
  primary key (message_id, emoji, user_id)
);

create table message_flags (
  message_id uuid not null references messages,
  user_id uuid not null,
  seq bigint not null,
  reason text,
  at_ms bigint not null,
  primary key (message_id, user_id)
);

create table invitations (
  code text primary key,
  room_id uuid not null references rooms,
  role text not null check (role in ('observer', 'member', 'moderator', 'owner')),
  created_by uuid not null,
  created_at_ms bigint not null,
  expires_at_ms bigint not null,
  max_uses integer not null,
  uses integer not null,
  revoked_at_ms bigint,
  check (uses <= max_uses)
);

-- What makes a repeated creating call the same call.
create table creations (
  user_id uuid not null,
  kind text not null check (kind in ('room', 'invitation')),
  client_id text not null,
  body_digest text not null,
  -- Id of the room, or code of the invitation.
  created_id text not null,
  primary key (user_id, kind, client_id)
);
