import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../apps/server/embedded-postgres/index.js'
import { sweepKilledRuns, type TemporaryDirectory, temporaryDirectory } from './postgres-cluster.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser of the one Postgres that all test files of a run share. */
    postgresAdminUrl: string
    /** The role `parley` on the same server, which is no superuser; the path is left out. */
    postgresAppUrl: string
  }
}

type Shared = {
  users: number
  readonly started: Promise<{ postgres: EmbeddedPostgres; directory: TemporaryDirectory }>
}

/** Each project loads this file anew, and all are to share one Postgres. */
const run: typeof globalThis & { sharedPostgres?: Shared } = globalThis

/** Runs once before the tests of each project that has integration tests. */
export async function setup(project: TestProject): Promise<void> {
  run.sharedPostgres ??= { users: 0, started: start() }
  run.sharedPostgres.users += 1
  const { postgres } = await run.sharedPostgres.started
  project.provide('postgresAdminUrl', postgres.adminUrl)
  project.provide('postgresAppUrl', postgres.url.slice(0, postgres.url.lastIndexOf('/')))
}

export async function teardown(): Promise<void> {
  const shared = run.sharedPostgres
  if (shared === undefined) return
  shared.users -= 1
  if (shared.users > 0) return
  delete run.sharedPostgres
  const { postgres, directory } = await shared.started
  await postgres.stop()
  await rm(postgres.clusterDir, { recursive: true, force: true })
  await directory.remove()
}

/** A Postgres that gives up durability for speed. */
async function start(): Promise<{ postgres: EmbeddedPostgres; directory: TemporaryDirectory }> {
  await sweepKilledRuns()
  const directory = await temporaryDirectory()
  const postgres = await startEmbeddedPostgres({
    dataDir: directory.dataDir,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '300' },
  })
  return { postgres, directory }
}
