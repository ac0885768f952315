import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { type ClusterPlace, giveTo, type Secrets, sweepDrafts } from './data-directory.js'
import { claimName, draftOf } from './durable-files.js'
import { EmbeddedPostgresFailed } from './errors.js'
import { lastLines } from './log-file.js'
import { runProgram } from './postgres-process.js'

export const SUPERUSER = 'postgres'

const INITDB_TIMEOUT_MS = 120_000

/**
 * Whoever first needs a new file of the write-ahead log fills it with zeros, and all sends wait. One of 16 MB, the default, takes 15 ms,
 * and up to 100 where the machine has to be given the memory for it.
 */
const WAL_FILE_MB = 4

/**
 * Character classes of text search follow LC_CTYPE: under plain C every character beyond ASCII counts as a
 * letter ("hello—world" would be one word). Names differ between systems, so the first known one is taken.
 */
const CHARACTER_CLASSES = ['C.UTF-8', 'en_US.UTF-8', 'C']

interface ClusterWanted {
  readonly place: ClusterPlace
  readonly initdb: string
  readonly secrets: Secrets
  /** False only where the data may be lost with the machine. */
  readonly durable: boolean
}

/**
 * Makes the cluster under a draft name and renames it when it is whole. Of several processes at once the first
 * to finish names its own, the others throw theirs away; one that is killed leaves nothing under the real name.
 */
export async function initCluster(wanted: ClusterWanted): Promise<void> {
  const { place } = wanted
  await sweepDrafts(place)
  await refuseStrangeFolder(place.clusterDir)
  const draft = draftOf(place.clusterDir)
  const passwordFile = `${draft}.password`
  try {
    await mkdir(draft, { mode: 0o700 })
    await giveTo(place.account, draft)
    await writeFile(passwordFile, `${wanted.secrets.superuserPassword}\n`, { mode: 0o600, flag: 'wx' })
    await giveTo(place.account, passwordFile)
    await runInitdb(wanted, draft, passwordFile)
    await claimName(draft, place.clusterDir)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

async function refuseStrangeFolder(clusterDir: string): Promise<void> {
  const entries = await readdir(clusterDir).catch((): string[] => [])
  if (entries.length === 0 || entries.includes('PG_VERSION')) return
  throw new EmbeddedPostgresFailed(
    `${clusterDir} is not empty and not a database directory: move it away, or set PARLEY_DATA_DIR.`,
  )
}

async function runInitdb(wanted: ClusterWanted, draft: string, passwordFile: string): Promise<void> {
  const { initdb, place, durable } = wanted
  let failure = ''
  for (const characterClasses of CHARACTER_CLASSES) {
    const args = [
      `--pgdata=${draft}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      `--lc-ctype=${characterClasses}`,
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      `--wal-segsize=${WAL_FILE_MB}`,
      ...(durable ? [] : ['--no-sync']),
    ]
    const { ok, output } = await runProgram(initdb, args, place.account, INITDB_TIMEOUT_MS).catch(
      (error: unknown) => ({ ok: false, output: String(error) }),
    )
    if (ok) return
    failure = lastLines(output)
    if (!output.includes('invalid locale')) break
  }
  throw new EmbeddedPostgresFailed(`The embedded database could not be created: ${explained(failure)}`)
}

/** Adds what the operator can do where the program's own words do not say it. */
function explained(failure: string): string {
  if (failure.includes('ENOENT')) return `${failure} (its programs need glibc; elsewhere set DATABASE_URL)`
  if (failure.includes('spawn EPERM')) {
    return `${failure} (root may not change accounts here: start as an ordinary user, or set DATABASE_URL)`
  }
  if (failure.includes('could not look up effective user')) {
    return `${failure} (this user id needs an entry in /etc/passwd; otherwise set DATABASE_URL)`
  }
  return failure
}
