import type { PostgresTarget } from './postgres-actions.js'
import type { Heal } from './process-actions.js'

export type Raising = {
  readonly heal: Heal
  /** How many transactions were rolled back so far. */
  count(): Promise<number>
}

/**
 * Lets this share of all transactions that append to a room's log fail as a deadlock or a serialization failure does. Whether
 * the first, the second and so on does, and how, is the seed's choice.
 */
export async function raiseInTransactions(
  { sql }: PostgresTarget,
  { share, seed }: { readonly share: number; readonly seed: number },
): Promise<Raising> {
  // What a sequence has counted no rollback takes back.
  await sql.unsafe(`
    create schema if not exists faults;
    create sequence if not exists faults.raised minvalue 0 start 0;
    select setval('faults.raised', 0);
    create sequence if not exists faults.asked;
    select setval('faults.asked', 1);
    create or replace function faults.raise() returns trigger security definer language plpgsql as $$
    declare
      drawn integer := abs(hashint8extended(nextval('faults.asked'), ${seed}) % 1000);
    begin
      if drawn < ${1_000 * share} then
        perform nextval('faults.raised');
        raise exception using errcode = case drawn % 2 when 0 then '40P01' else '40001' end;
      end if;
      return null;
    end $$;
    grant usage on schema faults to public;
    create trigger fault_raise before insert or update of head on rooms
      for each statement execute function faults.raise()`)
  return {
    heal: async () => {
      await sql`drop trigger if exists fault_raise on rooms`
    },
    async count() {
      const [row] = await sql<{ count: number }[]>`select last_value as count from faults.raised`
      return row?.count ?? 0
    },
  }
}

/** Every commit waits so long before it is flushed, however few there are. */
export async function delayCommits(
  { sql }: PostgresTarget,
  { byMs }: { readonly byMs: number },
): Promise<Heal> {
  await sql.unsafe(`alter system set commit_delay = ${byMs * 1_000}`)
  await sql`alter system set commit_siblings = 0`
  await sql`select pg_reload_conf()`
  return async () => {
    await sql`alter system reset commit_delay`
    await sql`alter system reset commit_siblings`
    await sql`select pg_reload_conf()`
  }
}

/** Refuses writes to everyone who does not ask for them, as a standby that was not promoted does. */
export async function makeReadOnly({ sql }: PostgresTarget): Promise<Heal> {
  await sql`alter system set default_transaction_read_only = on`
  await sql`select pg_reload_conf()`
  return async () => {
    await sql`alter system reset default_transaction_read_only`
    await sql`select pg_reload_conf()`
  }
}

/** Holds the row of a room, as a writer that hangs in the middle of its transaction does. */
export async function lockRoomRow(
  { sql }: PostgresTarget,
  { roomId }: { readonly roomId: string },
): Promise<Heal> {
  const session = await sql.reserve()
  await session`begin`
  const rows = await session`select 1 from rooms where id = ${roomId} for update`
  if (rows.length === 0) throw new Error(`there is no room ${roomId}`)
  return async () => {
    await session`rollback`
    session.release()
  }
}

export type CommitGate = {
  /** From now on nobody who has appended to a room's log gets past the end of their transaction. */
  close(): Promise<void>
  /** Lets all of them go on. */
  open(): Promise<void>
  /** Who waits, among connections from these ports. */
  waiting(ports: readonly number[]): Promise<readonly Waiting[]>
  remove: Heal
}

export type Waiting = { readonly pid: number; readonly transaction: string }

const GATE = 7_399_001

/** Can hold transactions back when everything is written and nothing is committed yet. */
export async function gateCommits({ sql }: PostgresTarget): Promise<CommitGate> {
  await sql.unsafe(`
    create schema if not exists faults;
    grant usage on schema faults to public;
    create or replace function faults.wait() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${GATE});
      return null;
    end $$;
    create constraint trigger fault_wait after insert or update of head on rooms
      deferrable initially deferred for each row execute function faults.wait()`)
  const keeper = await sql.reserve()
  return {
    async close() {
      await keeper`select pg_advisory_lock(${GATE})`
    },
    async open() {
      await keeper`select pg_advisory_unlock(${GATE})`
    },
    waiting: (ports) => sql<Waiting[]>`
      select pid, backend_xid::text as transaction
      from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and objid = ${GATE} and not granted and client_port = any(${[...ports]}::int[])`,
    remove: async () => {
      await keeper`select pg_advisory_unlock_all()`
      keeper.release()
      await sql`drop trigger if exists fault_wait on rooms`
    },
  }
}

/** Whether a transaction that had written something was `committed` or `aborted`, or is `in progress`. */
export async function fateOf({ sql }: PostgresTarget, transaction: string): Promise<string> {
  const [row] = await sql<{ fate: string }[]>`select pg_xact_status(${transaction}::xid8) as fate`
  return row?.fate ?? 'unknown'
}

/** Ends these backends; what they had not committed is rolled back. */
export async function endBackends({ sql }: PostgresTarget, pids: readonly number[]): Promise<void> {
  await sql`select pg_terminate_backend(pid, 5000) from unnest(${[...pids]}::int[]) as pid`
}
