import type { World } from '../world.js'

/** Of the database of a run, by all its clients. A backend tells of its own within a second. */
export async function transactionsSoFar({ database }: Pick<World, 'database'>): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()`
  return row?.count ?? 0
}
