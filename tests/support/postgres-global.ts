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

let directory: TemporaryDirectory | null = null
let shared: EmbeddedPostgres | null = null

/** Runs once before the integration tests: a Postgres that gives up durability for speed. */
export async function setup(project: TestProject): Promise<void> {
  await sweepKilledRuns()
  directory = await temporaryDirectory()
  shared = await startEmbeddedPostgres({
    dataDir: directory.dataDir,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: '200' },
  })
  project.provide('postgresAdminUrl', shared.adminUrl)
  project.provide('postgresAppUrl', shared.url.slice(0, shared.url.lastIndexOf('/')))
}

export async function teardown(): Promise<void> {
  if (shared !== null) {
    await shared.stop()
    await rm(shared.clusterDir, { recursive: true, force: true })
  }
  await directory?.remove()
}
