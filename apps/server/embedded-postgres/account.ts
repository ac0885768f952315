import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { EmbeddedPostgresFailed } from './errors.js'

/** The system account that Postgres runs as, where that is not the account of this process. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** In this order: the first that exists is used when the server runs as root, which Postgres refuses. */
const UNPRIVILEGED = ['postgres', 'nobody']

export function runsAsRoot(): boolean {
  return process.getuid?.() === 0
}

/** An account for a new cluster: null (this one) unless the server runs as root. */
export async function accountForNewCluster(): Promise<Account | null> {
  if (!runsAsRoot()) return null
  const known = await systemAccounts()
  for (const name of UNPRIVILEGED) {
    const account = known.find((candidate) => candidate.name === name)
    if (account !== undefined && account.uid !== 0) return account
  }
  throw new EmbeddedPostgresFailed(
    'Postgres refuses to run as root, and this system has neither a "postgres" nor a "nobody" account: ' +
      'start the server as an ordinary user, or set DATABASE_URL.',
  )
}

/** As root, an existing cluster is run by the account that owns it: Postgres accepts no other. */
export async function accountOfCluster(clusterDir: string): Promise<Account | null> {
  if (!runsAsRoot()) return null
  const { uid, gid } = await stat(clusterDir)
  if (uid === 0) {
    throw new EmbeddedPostgresFailed(
      `${clusterDir} belongs to root, and Postgres refuses to run as root: chown it to an ordinary account.`,
    )
  }
  const known = await systemAccounts()
  return known.find((account) => account.uid === uid) ?? { name: `uid ${uid}`, uid, gid }
}

/**
 * Whether the account can pass every folder up to `path` and read it (a folder: enter it).
 * Judged by mode bits alone; where an ACL says otherwise, the answer errs towards keeping a copy elsewhere.
 */
export async function canReach(account: Account | null, path: string): Promise<boolean> {
  if (account === null) return true
  const target = await realpath(path)
  const reached = await stat(target)
  if (!allows(account, reached, reached.isDirectory() ? EXECUTE : READ)) return false
  for (let folder = dirname(target); ; folder = dirname(folder)) {
    if (!allows(account, await stat(folder), EXECUTE)) return false
    if (folder === dirname(folder)) return true
  }
}

const READ = 4
const EXECUTE = 1

function allows(account: Account, entry: { mode: number; uid: number; gid: number }, bit: number): boolean {
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0
  return ((entry.mode >> shift) & bit) !== 0
}

async function systemAccounts(): Promise<Account[]> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}
