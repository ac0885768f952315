import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import {
  abandonedClusters,
  placeCluster,
  prepareDataDirectory,
  readSecrets,
  refuseOtherVersion,
  type Secrets,
  sweepDrafts,
} from './data-directory.js'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres.js'
import { codeOf, EmbeddedPostgresFailed, messageOf } from './errors.js'
import { initCluster } from './init-cluster.js'
import { PostgresLog } from './log-file.js'
import { packagedNativeDir, prepareBinaries } from './native-binaries.js'
import { adminUrl, OwnerLock } from './owner-lock.js'
import { type Cluster, ensureRunning, type RunningPostgres } from './postmaster.js'
import { type OwnedCluster, Supervisor } from './supervisor.js'

/** Recovery after a crash under load can take this long; Postgres is left to it when time is up. */
const START_TIMEOUT_MS = 120_000
const RETRY_MS = 50
const DEFAULT_SYSTEM_DIR = '/var/lib/parley'

/**
 * Starts or adopts the Postgres of a data directory and becomes its one owner. Throws DataDirectoryInUse,
 * IncompatibleDataDirectory or EmbeddedPostgresFailed, each with one line for the operator.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined)
  try {
    const { cluster, secrets } = await prepareCluster(options, log)
    const token = randomBytes(4).toString('hex')
    const claim = (port: number | null, timeoutMs: number) =>
      claimOwnership(cluster, secrets, token, port, Date.now() + timeoutMs)
    const claimed = await claim(null, START_TIMEOUT_MS)
    await sweepDrafts(cluster.place)
    const verb = claimed.running.started ? 'started' : 'adopted'
    log(`Embedded Postgres ${verb}: pid ${claimed.running.pid}, 127.0.0.1:${claimed.running.port}.`)
    return new Supervisor(claimed, {
      ...urlsOf(claimed.running, secrets),
      cluster,
      log,
      claim,
    })
  } catch (error) {
    if (error instanceof EmbeddedPostgresFailed) throw error
    throw new EmbeddedPostgresFailed(`The embedded Postgres cannot start: ${messageOf(error)}`, error)
  }
}

function urlsOf({ port }: RunningPostgres, secrets: Secrets): { url: string; adminUrl: string } {
  return {
    url: `postgres://parley:${secrets.appPassword}@127.0.0.1:${port}/parley`,
    adminUrl: adminUrl(port, secrets.superuserPassword),
  }
}

async function prepareCluster(
  options: EmbeddedPostgresOptions,
  log: (line: string) => void,
): Promise<{ cluster: Cluster; secrets: Secrets }> {
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresFailed('The embedded Postgres does not run on Windows: set DATABASE_URL.')
  }
  const systemDir = options.systemDir ?? DEFAULT_SYSTEM_DIR
  const settings = options.settings ?? {}
  const dataDir = await prepareDataDirectory(options.dataDir)
  const place = await placeCluster(dataDir, systemDir)
  if (place.account !== null && !place.clusterDir.startsWith(dataDir)) {
    log(`The account ${place.account.name} cannot reach ${dataDir}: its database is in ${place.clusterDir}.`)
  }
  for (const path of await abandonedClusters(place)) {
    log(`An earlier database of ${dataDir} is left in ${path}: remove it if nobody wants it.`)
  }
  const binaries = await prepareBinaries({
    nativeDir: options.nativeDir ?? packagedNativeDir(),
    account: place.account,
    copiesDir: place.account === null ? dataDir : systemDir,
    log,
  })
  if (place.exists) await refuseOtherVersion(place.clusterDir, binaries.major)
  const secrets = await readSecrets(place)
  if (!place.exists) {
    await initCluster({ place, initdb: binaries.initdb, secrets, durable: settings.fsync !== 'off' })
  }
  const postgresLog = new PostgresLog(dataDir, place.account)
  return { cluster: { place, program: binaries.postgres, settings, log: postgresLog }, secrets }
}

async function claimOwnership(
  cluster: Cluster,
  secrets: Secrets,
  token: string,
  port: number | null,
  deadlineMs: number,
): Promise<OwnedCluster> {
  const { dataDir, clusterDir } = cluster.place
  for (;;) {
    const running = await ensureRunning(cluster, port, deadlineMs)
    const { superuserPassword } = secrets
    const target = { port: running.port, superuserPassword, dataDir, clusterDir, token }
    try {
      return { lock: await OwnerLock.take(target, (sql) => ensureDatabase(sql, secrets)), running }
    } catch (error) {
      if (error instanceof EmbeddedPostgresFailed) throw error
      if (codeOf(error)?.startsWith('28')) throw wrongPassword(cluster, error)
      if (Date.now() > deadlineMs) throw error
      // Postgres went down, or was still coming up, between the look and the connection.
      await sleep(RETRY_MS)
    }
  }
}

function wrongPassword({ place }: Cluster, cause: unknown): EmbeddedPostgresFailed {
  return new EmbeddedPostgresFailed(
    `The passwords in ${place.dataDir}/postgres-secrets.json do not fit the database in ${place.clusterDir}.`,
    cause,
  )
}

/** Only the owner comes here, so looking first and creating then is no race. */
async function ensureDatabase(sql: Sql, secrets: Secrets): Promise<void> {
  const [found] = await sql<{ role: boolean; database: boolean }[]>`
    select exists (select from pg_roles where rolname = 'parley') as role,
           exists (select from pg_database where datname = 'parley') as database`
  if (!found?.role) await sql.unsafe(`create role parley login password '${secrets.appPassword}'`)
  if (!found?.database) await sql.unsafe('create database parley owner parley')
}
