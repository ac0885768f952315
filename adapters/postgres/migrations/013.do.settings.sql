-- What operators have set for all processes. One row, so that changes made at once come one after the other; none before the first.
create table settings (
  is_only boolean primary key default true check (is_only),
  -- Rises with each change.
  version bigint not null,
  -- Lifetimes of caches in ms by name, those alone that were set. A version of the product leaves the names be that it does not know.
  lifetimes jsonb not null check (jsonb_typeof(lifetimes) = 'object')
);
