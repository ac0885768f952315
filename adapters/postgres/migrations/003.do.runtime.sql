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
  -- Of the last call: after how many ms it would have been allowed; within a rounding error of 0 or less, it was.
  wait_ms double precision not null
);

-- The generic cell rate algorithm as in core/domain/gcra.ts: the same operations in the same order, so the same results.
create function gcra(
  tat_ms double precision,
  now_ms double precision,
  per_minute double precision,
  burst double precision,
  out next_tat_ms double precision,
  out wait_ms double precision
) language sql immutable parallel safe as $$
  select
    case when timing.wait_ms > 0.001 then timing.start_ms else timing.start_ms + timing.interval_ms end,
    timing.wait_ms
  from (
    select
      start_ms,
      interval_ms,
      start_ms + interval_ms - burst * interval_ms - now_ms as wait_ms
    from (
      select
        60000 / per_minute as interval_ms,
        -- No allowed call puts it further ahead than a full burst; one that is means that the clock was set back.
        greatest(least(coalesce(tat_ms, now_ms), now_ms + burst * 60000 / per_minute), now_ms) as start_ms
    ) as arrival
  ) as timing
$$;
