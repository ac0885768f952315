import postgres from 'postgres'
import { startEmbeddedPostgres } from '../../../apps/server/embedded-postgres/index.js'
import { readPostmasterFile } from '../../../apps/server/embedded-postgres/postmaster-file.js'
import { temporaryDirectory } from '../../support/postgres-cluster.js'
import { smallDisk } from '../nemesis/small-disk.js'
import type { CampaignDatabase } from './parts.js'
import type { Topology } from './shape.js'

export type OwnedDatabase = CampaignDatabase & { stop(): Promise<void> }

const SETTINGS = { max_connections: '120', log_min_error_statement: 'panic' }

/** A Postgres of the run's own, durable as in production, so that a fault may stop, freeze or fill it. */
export async function startDatabase({ postgres: settings, diskMb }: Topology): Promise<OwnedDatabase> {
  const disk = diskMb === null ? null : await smallDisk(diskMb)
  const directory = disk ?? (await temporaryDirectory())
  const owned = await startEmbeddedPostgres({
    dataDir: directory.dataDir,
    settings: { ...SETTINGS, ...settings },
  }).catch(async (error: unknown) => {
    await directory.remove()
    throw error
  })
  const adminUrl = new URL(owned.adminUrl)
  adminUrl.pathname = new URL(owned.url).pathname
  const sql = postgres(adminUrl.href, {
    max: 4,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    onnotice: () => undefined,
    connection: { application_name: 'campaign' },
  })
  return {
    url: owned.url,
    adminUrl: adminUrl.href,
    sql,
    clusterDir: owned.clusterDir,
    disk,
    async pid() {
      const file = await readPostmasterFile(owned.clusterDir)
      if (!file?.pid) throw new Error(`no Postgres runs in ${owned.clusterDir}`)
      return file.pid
    },
    async stop() {
      await sql.end({ timeout: 2 }).catch(() => undefined)
      await owned.stop()
      await directory.remove()
    },
  }
}
