import { createHash, randomBytes } from 'node:crypto'
import { access, chown, constants, mkdir, readdir, realpath, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Account, accountForNewCluster, accountOfCluster, canReach, runsAsRoot } from './account.js'
import { createOnce, draftOwner, readIfPresent } from './durable-files.js'
import { codeOf, EmbeddedPostgresFailed, IncompatibleDataDirectory, messageOf } from './errors.js'
import { isAlive } from './process-state.js'

/** Where a cluster lies and which account runs it. All paths are real ones, without links. */
export interface ClusterPlace {
  readonly dataDir: string
  readonly clusterDir: string
  /** Null: the account of this process. */
  readonly account: Account | null
  readonly exists: boolean
}

export interface Secrets {
  readonly superuserPassword: string
  readonly appPassword: string
}

/**
 * Creates the data directory if it is missing, closed to others, and answers its real path. As root others may
 * pass through it (not list it): the database runs as another account, in a folder of its own below.
 */
export async function prepareDataDirectory(dataDir: string): Promise<string> {
  try {
    const mode = runsAsRoot() ? 0o711 : 0o700
    await mkdir(dataDir, { recursive: true, mode }).catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
      // The recursive form says so of a read-only file system; the plain one names the true reason.
      await mkdir(dataDir, { mode })
    })
    await access(dataDir, constants.W_OK | constants.X_OK)
    return await realpath(dataDir)
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The data directory ${resolve(dataDir)} cannot be used: ${messageOf(error)}`,
      error,
    )
  }
}

/**
 * Decides where the cluster of this data directory is, or is going to be: in it, or in `systemDir` where the
 * account of the database cannot reach it.
 */
export async function placeCluster(dataDir: string, systemDir: string): Promise<ClusterPlace> {
  const inside = join(dataDir, 'postgres')
  const record = join(dataDir, 'postgres-location')
  if (await isCluster(inside)) return existing(dataDir, inside)
  const recorded = (await readIfPresent(record))?.trim() ?? null
  if (recorded !== null && (await isCluster(recorded))) return existing(dataDir, recorded)

  const account = await accountForNewCluster()
  if (recorded === null && (await canReach(account, dataDir))) {
    return { dataDir, clusterDir: inside, account, exists: false }
  }
  if (account === null) {
    throw new EmbeddedPostgresFailed(
      `The database of ${dataDir} is kept in ${recorded}, which cannot be read: start the server as root, as before.`,
    )
  }
  const clusterDir = (await createOnce(record, () => `${outside(dataDir, systemDir)}\n`)).trim()
  await mkdir(systemDir, { recursive: true, mode: 0o755 })
  return { dataDir, clusterDir, account, exists: false }
}

/**
 * The random part keeps a data directory that was removed and made anew apart from its earlier database, whose
 * password is lost.
 */
function outside(dataDir: string, systemDir: string): string {
  const path = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  return join(systemDir, `${path}-${randomBytes(4).toString('hex')}`)
}

/** Databases in the system directory that an earlier data directory of the same path left there. */
export async function abandonedClusters({ dataDir, clusterDir }: ClusterPlace): Promise<string[]> {
  const folder = dirname(clusterDir)
  if (folder === dataDir) return []
  const prefix = basename(clusterDir).split('-')[0]
  const names = await readdir(folder)
  return names
    .filter((name) => name.startsWith(`${prefix}-`) && draftOwner(name) === null)
    .map((name) => join(folder, name))
    .filter((path) => path !== clusterDir)
}

async function existing(dataDir: string, clusterDir: string): Promise<ClusterPlace> {
  const account = await accountOfCluster(clusterDir)
  if (!(await canReach(account, clusterDir))) {
    throw new EmbeddedPostgresFailed(
      `The account ${account?.name} owns the database in ${clusterDir} but cannot reach it: ` +
        'let others pass through the folders above it (chmod o+x), or move the data directory.',
    )
  }
  return { dataDir, clusterDir, account, exists: true }
}

async function isCluster(path: string): Promise<boolean> {
  try {
    return (await readIfPresent(join(path, 'PG_VERSION'))) !== null
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The database in ${path} cannot be read (${messageOf(error)}): start the server as the user who made it.`,
      error,
    )
  }
}

/** Throws IncompatibleDataDirectory where the cluster is of another major version. */
export async function refuseOtherVersion(clusterDir: string, major: number): Promise<void> {
  const found = (await readIfPresent(join(clusterDir, 'PG_VERSION')))?.trim()
  if (found !== String(major)) throw new IncompatibleDataDirectory(clusterDir, String(found), major)
}

/** Reads the passwords of this data directory, or makes them where there is no cluster yet. */
export async function readSecrets(place: ClusterPlace): Promise<Secrets> {
  const path = join(place.dataDir, 'postgres-secrets.json')
  const password = () => randomBytes(32).toString('base64url')
  const fresh = () => `${JSON.stringify({ superuserPassword: password(), appPassword: password() })}\n`
  try {
    const content = place.exists ? await readIfPresent(path) : await createOnce(path, fresh)
    return parseSecrets(content ?? '')
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The passwords of the embedded database, ${path}, cannot be used: ${messageOf(error)}`,
      error,
    )
  }
}

function parseSecrets(content: string): Secrets {
  if (content === '') throw new Error('the file is missing or empty')
  const parsed: Partial<Record<keyof Secrets, unknown>> = JSON.parse(content)
  const { superuserPassword, appPassword } = parsed
  if (typeof superuserPassword === 'string' && typeof appPassword === 'string') {
    return { superuserPassword, appPassword }
  }
  throw new Error('it does not hold them')
}

/** Removes what processes that are gone left unfinished beside the cluster. */
export async function sweepDrafts(place: ClusterPlace): Promise<void> {
  const folder = dirname(place.clusterDir)
  const prefix = `${basename(place.clusterDir)}.init-`
  for (const name of await readdir(folder)) {
    const owner = name.startsWith(prefix) ? draftOwner(name) : null
    if (owner === null || (await isAlive(owner))) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

export async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid)
}
