import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../apps/server/embedded-postgres/index.js'
import { isAlive } from '../../apps/server/embedded-postgres/process-state.js'
import { letOthersThrough, stopCluster } from './postgres-cluster.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser of the one Postgres that all test files of a run share. */
    postgresAdminUrl: string
    /** The role `parley` on the same server, which is no superuser; the path is left out. */
    postgresAppUrl: string
  }
}

const PREFIX = 'parley-test-postgres-'

let dataDir: string | null = null
let shared: EmbeddedPostgres | null = null

/** Runs once before the integration tests: a Postgres that gives up durability for speed. */
export async function setup(project: TestProject): Promise<void> {
  await sweepKilledRuns()
  dataDir = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  await letOthersThrough(dataDir)
  shared = await startEmbeddedPostgres({
    dataDir,
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
  if (dataDir !== null) await rm(dataDir, { recursive: true, force: true })
}

/** A run that was killed leaves its Postgres behind; its pid is in the name of the directory. */
async function sweepKilledRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX))
  for (const name of names) {
    const pid = Number.parseInt(name.slice(PREFIX.length), 10)
    if (await isAlive(pid)) continue
    await stopCluster(join(tmpdir(), name, 'postgres'))
    await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}
