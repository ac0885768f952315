-- Whose presence changed, so that every process finds what it was not told: by the transaction that changed it last.
create unlogged table presence_changes (
  user_id uuid primary key,
  changed_by xid8 not null default pg_current_xact_id(),
  changed_at timestamptz not null default clock_timestamp()
);

create index presence_changes_by_transaction on presence_changes (changed_by);
