import { setTimeout as sleep } from 'node:timers/promises'
import { untilBack } from '../../nemesis/postgres-actions.js'
import type { Check, Fault } from '../fault.js'
import type { World } from '../world.js'
import { closeAll, openProbes, type Probe, type TimedOutcome } from './probe.js'
import { Turns } from './turns.js'

const DISK_MB = 200
const FULL_MS = 6_000
const PAGES_MS = 6_000
/** More than there can be in advance. */
const SEGMENTS = 20
const PROBES = 3
const SEND_EVERY_MS = 250
const BACK_WITHIN_MS = 60_000

export const fullDisk: Fault = {
  name: 'P7-server',
  title: 'the disk of Postgres is full for 12 s',
  scale: `a disk of ${DISK_MB} MB`,
  topology: { diskMb: DISK_MB, postgres: { max_wal_size: '48MB', min_wal_size: '32MB' } },
  schedule: () => [
    { atMs: 0, forMs: FULL_MS, act: 'fill the disk', target: 'postgres', suspends: ['L7', 'L10'] },
  ],
  start(world) {
    const turns = new Turns()
    let probes: Probe[] = []
    const outcomes: TimedOutcome[] = []
    let backMs = Number.NaN
    let endedBy = 0
    return {
      async prepare() {
        probes = await openProbes(world, PROBES)
      },
      inject: (_step, moments) =>
        turns.healed(async () => {
          const { disk } = world.database
          if (disk === null) throw new Error('Postgres has no disk of its own')
          moments.began()
          await disk.fill()
          let isFull = true
          const sending = (async () => {
            while (isFull) {
              outcomes.push(...(await Promise.all(probes.map((probe) => probe.send()))))
              await sleep(SEND_EVERY_MS)
              await disk.fill()
            }
          })()
          // First there is no room for pages; then none for the log, without which Postgres does not run.
          await sleep(PAGES_MS)
          endedBy = await exhaustLog(world)
          return async () => {
            isFull = false
            await sending
            await disk.free()
            const backed = writableAfterMs(world)
            await untilBack(world.database)
            moments.over()
            backMs = await backed
          }
        }),
      async checks() {
        closeAll(probes)
        return [
          refused(outcomes),
          { name: 'the log of Postgres is full, and it ends', checked: endedBy, violations: [] },
          back(backMs),
          await unharmed(world),
        ]
      },
    }
  },
}

/** Begins new segments of the log until one cannot be made. Answers 1 where that has ended Postgres. */
async function exhaustLog({ database: { sql, disk } }: World): Promise<number> {
  for (let segment = 0; segment < SEGMENTS; segment += 1) {
    const isSwitched = await sql`select pg_logical_emit_message(false, 'fault', 'x'), pg_switch_wal()`.then(
      () => true,
      () => false,
    )
    if (!isSwitched) return 1
    await disk?.fill()
  }
  return 0
}

/** From the moment when there is space until every instance stores messages again. */
async function writableAfterMs(world: World): Promise<number> {
  const startedMs = performance.now()
  while (performance.now() - startedMs < BACK_WITHIN_MS) {
    const probes = await openProbes(world, 1).catch(() => [])
    const outcomes = await Promise.all(probes.map((probe) => probe.send()))
    closeAll(probes)
    if (outcomes.length > 0 && outcomes.every(({ is }) => is === 'ok')) return performance.now() - startedMs
    await sleep(SEND_EVERY_MS)
  }
  return Number.POSITIVE_INFINITY
}

/** That acks given meanwhile stand is L1; here, that there were sends that could not be stored. */
function refused(outcomes: readonly TimedOutcome[]): Check {
  const codes = outcomes.flatMap((outcome) => (outcome.is === 'ok' ? [] : [outcome.code]))
  return {
    name: 'sends that could not be stored got no ack',
    checked: codes.length,
    violations: codes.filter((code) => !['UNAVAILABLE', 'NO_ACK', 'NOT_CONNECTED'].includes(code)),
    seen: `${codes.length} of ${outcomes.length}`,
  }
}

const back = (ms: number): Check => ({
  name: 'it is written to again when there is space, by itself',
  checked: 1,
  violations: ms <= BACK_WITHIN_MS ? [] : [`not within ${BACK_WITHIN_MS / 1_000} s`],
  seen: `after ${(ms / 1_000).toFixed(1)} s`,
})

/** Reads every table, and with it the checksum of every page. */
async function unharmed({ database: { sql } }: World): Promise<Check> {
  const tables = await sql<{ name: string }[]>`
    select quote_ident(relname) as name from pg_stat_user_tables where schemaname = 'public'`
  for (const { name } of tables) await sql.unsafe(`select count(t.*) from ${name} t`)
  const [row] = await sql<{ checksums: string; failures: number }[]>`
    select current_setting('data_checksums') as checksums, coalesce(checksum_failures, 0)::int as failures
    from pg_stat_database where datname = current_database()`
  const violations = [
    ...(row?.checksums === 'on' ? [] : ['there are no checksums']),
    ...(row?.failures === 0 ? [] : [`${row?.failures} pages are broken`]),
  ]
  return { name: 'no page is broken', checked: tables.length, violations }
}
