import { SearchIndexer, type SearchIndexerOptions } from '../../../adapters/postgres/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { eventually } from '../../contracts/eventually.js'
import { postgresOfProcesses, type StoreProcess } from './processes.js'

/** For what tests of the index hold, on a busy machine. */
export const PATIENT = { queryDeadlineMs: 40_000, statementTimeoutMs: 30_000, lockTimeoutMs: 20_000 }

export const HOLD_INDEXING =
  'create trigger held before insert on message_words for each row execute function held()'

export type IndexedStore = Awaited<ReturnType<typeof openIndexedStore>>

/** A database of several processes, the first of which is `store`, and indexers that are closed with it. */
export async function openIndexedStore() {
  const processes = await postgresOfProcesses()
  const store = processes.start(PATIENT)
  const indexers: SearchIndexer[] = []
  const errors: unknown[] = []

  const closeIndexers = () => Promise.all(indexers.splice(0).map((indexer) => indexer.close()))

  return {
    processes,
    store,
    /** Of the indexers. */
    errors,
    closeIndexers,
    stop: async () => {
      await closeIndexers()
      await processes.stop()
    },

    startIndexer(on: StoreProcess, options: SearchIndexerOptions = {}): void {
      const onError = (error: unknown) => errors.push(error)
      const quick = { delayMs: 1, retryMs: 20, rushPerSecond: Number.POSITIVE_INFINITY }
      const indexer = new SearchIndexer(on.database, on.log, { ...quick, onError, ...options })
      indexers.push(indexer)
      indexer.start()
    },

    async found(roomId: RoomId, query: string, by: StoreProcess = store): Promise<readonly string[]> {
      const { messages } = await by.messages.search(roomId, query, null, 10)
      return messages.map(({ text }) => text)
    },

    allIndexed: () =>
      eventually(
        'all messages to be indexed',
        async () => {
          const missing = await processes.admin`
            select m.id from messages m left join search_heads h on h.room_id = m.room_id
            where m.seq > coalesce(h.seq, 0)`
          return missing.length === 0
        },
        40_000,
      ),

    /** What is in the index and should not be, or the reverse, past all adapters. */
    async wrongWords() {
      const rows = await processes.admin<{ seq: number; words: string | null; text: string | null }[]>`
        select coalesce(m.seq, w.seq)::int as seq, w.words::text, m.text
        from messages m full join message_words w on w.room_id = m.room_id and w.seq = m.seq
        left join search_heads h on h.room_id = coalesce(m.room_id, w.room_id)
        where case
          when m.deleted_at_ms is null and m.seq <= h.seq
            then w.words is distinct from words_of(m.room_id, m.text)
          else w.seq is not null
        end`
      return [...rows]
    },

    /** Holds whoever comes to the trigger that `statement` creates, until `open`. It sleeps, as locks have time-outs of their own. */
    async gate(statement: string) {
      const { admin } = processes
      await admin.unsafe(`
        create table gate as select true as is_closed;
        grant select on gate to public;
        create function held() returns trigger language plpgsql as $$
        begin
          while (select is_closed from gate) loop
            perform pg_sleep(0.01);
          end loop;
          return new;
        end $$;
        ${statement}`)
      return {
        reached: () =>
          eventually('somebody at the gate', async () => {
            const waiting = await admin`
              select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
            return waiting.length > 0
          }),
        open: () => admin`update gate set is_closed = false`,
      }
    },
  }
}
