-- Postgres estimates that a plan for these very arrays is cheaper than one for any, and so plans the statements of append_messages
-- anew in each call.
alter function append_messages(
  uuid[], bigint[], uuid[], uuid[], bigint[], uuid[], uuid[], text[], text[], text[], text[], bigint[], bigint[], bigint[], boolean[]
) set plan_cache_mode = 'force_generic_plan';
