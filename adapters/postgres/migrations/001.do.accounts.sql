create table users (
  id uuid primary key,
  email text not null,
  -- The address as it is compared: NFC, lower case.
  email_key text not null unique,
  display_name text not null,
  mediation text not null check (mediation in ('on', 'off')),
  password_hash text not null,
  disabled_at_ms bigint,
  created_at_ms bigint not null
);

-- One sign-in on one device, and the family of all refresh tokens that descend from it.
create table logins (
  id uuid primary key,
  user_id uuid not null references users,
  user_agent text,
  created_at_ms bigint not null,
  last_seen_at_ms bigint not null,
  expires_at_ms bigint not null,
  ended_at_ms bigint,
  end_reason text,
  -- Of the account and the network address that it was opened from, together, so that no address is kept readable.
  place_digest text,
  check ((ended_at_ms is null) = (end_reason is null))
);

create index logins_live_by_user on logins (user_id) where ended_at_ms is null;
create index logins_open_by_expiry on logins (expires_at_ms) where ended_at_ms is null;
create index logins_by_place on logins (place_digest) where place_digest is not null;
create index logins_ended on logins (ended_at_ms) where ended_at_ms is not null;

create table refresh_tokens (
  digest text primary key,
  login_id uuid not null references logins,
  -- The token that was presented for this one; null for the first of a login. No foreign key, so that the tokens of a
  -- forgotten login can go in any order.
  predecessor text,
  spent_at_ms bigint
);

create index refresh_tokens_by_login on refresh_tokens (login_id);
create index refresh_tokens_by_predecessor on refresh_tokens (predecessor) where predecessor is not null;

-- At most one a user; spent by being removed.
create table reset_codes (
  user_id uuid primary key references users,
  digest text not null,
  expires_at_ms bigint not null
);
