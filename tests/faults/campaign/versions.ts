import { execFile } from 'node:child_process'
import { arch, cpus, platform, release } from 'node:os'
import { promisify } from 'node:util'
import { redisVersion } from '../../support/redis-server.js'
import type { CampaignDatabase, CampaignRedis } from './parts.js'

/** What a run has to say about itself to be repeated. */
export async function versionsOf(
  { sql }: Pick<CampaignDatabase, 'sql'>,
  redis: CampaignRedis | null,
): Promise<Record<string, string>> {
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  return {
    commit: await currentCommit(),
    node: process.version,
    postgres: row?.version ?? 'unknown',
    ...(redis === null ? {} : { redis: redisVersion() ?? 'unknown' }),
    machine: `${platform()} ${release()} ${arch()}, ${cpus().length} cores`,
  }
}

export async function currentCommit(): Promise<string> {
  const git = await promisify(execFile)('git', ['describe', '--always', '--dirty']).catch(() => null)
  return git?.stdout.trim() ?? 'unknown'
}
