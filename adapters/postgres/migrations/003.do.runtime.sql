-- What processes tell one another while they run. Unlogged: a crash of the database empties these tables, and the processes
-- fill them again. Times are of the database's clock.

-- A running process, known by an id that is new with each boot.
create unlogged table process_leases (
  boot_id uuid primary key,
  -- Since when it has been renewed without a break.
  since timestamptz not null,
  expires_at timestamptz not null
);

-- No foreign key to the lease: a process that is taken for dead loses its rows when it is reaped, not before.
create unlogged table presence_sockets (
  user_id uuid not null,
  socket_id text not null,
  boot_id uuid not null,
  away boolean not null,
  primary key (user_id, socket_id)
);

create index presence_sockets_by_boot on presence_sockets (boot_id);

-- When the user's last socket went; kept over a crash.
create table presence_last_seen (
  user_id uuid primary key,
  at_ms bigint not null
);

create unlogged table live_sessions (
  socket_id text primary key,
  user_id uuid not null,
  login_id uuid not null,
  boot_id uuid not null,
  connected_at_ms bigint not null
);

create index live_sessions_by_boot on live_sessions (boot_id);

create sequence lock_fences;

create unlogged table locks (
  key text primary key,
  owner uuid not null,
  -- Higher for each later holder.
  fence bigint not null,
  expires_at timestamptz not null
);

create unlogged table rate_limits (
  -- A digest; what is limited may be an address.
  key text primary key,
  per_minute double precision not null,
  burst double precision not null,
  -- Theoretical arrival time, ms since the Unix epoch.
  tat_ms double precision not null,
  -- Of the calls that were counted last: how many there were, how many of them were allowed, and where that is fewer, after
  -- how many ms the next would be.
  calls integer not null,
  allowed integer not null,
  wait_ms double precision not null
);

-- For what is deleted because its time is past.
create index rate_limits_by_tat on rate_limits (tat_ms);

-- So many calls of one key at one instant by the generic cell rate algorithm of core/domain/gcra.ts: the same operations in
-- the same order, so the same results to the last bit.
create function gcra(
  tat_ms double precision,
  now_ms double precision,
  per_minute double precision,
  burst double precision,
  calls integer,
  out next_tat_ms double precision,
  out allowed integer,
  out wait_ms double precision
) language plpgsql immutable parallel safe as $$
declare
  interval_ms constant double precision := 60000 / per_minute;
  start_ms double precision;
begin
  next_tat_ms := tat_ms;
  allowed := 0;
  while allowed < calls loop
    -- No allowed call puts it further ahead than a full burst; one that is means that the clock was set back.
    start_ms := greatest(least(coalesce(next_tat_ms, now_ms), now_ms + burst * interval_ms), now_ms);
    next_tat_ms := start_ms + interval_ms;
    wait_ms := next_tat_ms - burst * interval_ms - now_ms;
    if wait_ms > 0.001 then
      -- A refused call changes nothing, so all others of this instant are refused alike.
      next_tat_ms := start_ms;
      exit;
    end if;
    allowed := allowed + 1;
  end loop;
end
$$;
