import { chown, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { draftOf, readIfPresent } from './durable-files.js'

/** What a cluster's postmaster.pid tells; Postgres writes it line by line while it starts. */
export interface PostmasterFile {
  /** Null while the file is still empty, or was left so by a crash of the machine. */
  readonly pid: number | null
  readonly port: number | null
  /** `starting`, `ready` or `stopping`; empty in the first moments. */
  readonly status: string
}

/** A file that stayed empty this long is nobody's: a live Postgres fills it at once. */
const EMPTY_FILE_GRACE_MS = 5_000

export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | null> {
  const content = await readIfPresent(pathOf(clusterDir))
  if (content === null) return null
  const lines = content.split('\n')
  const number = (line: string | undefined) => Number.parseInt(line ?? '', 10) || null
  return { pid: number(lines[0]), port: number(lines[3]), status: lines[7]?.trim() ?? '' }
}

/** Removes a postmaster.pid without a pid in it, once it is old enough to be nobody's. */
export async function clearEmptyPostmasterFile(clusterDir: string): Promise<void> {
  const path = pathOf(clusterDir)
  const found = await stat(path).catch(() => null)
  if (found !== null && Date.now() - found.mtimeMs > EMPTY_FILE_GRACE_MS) await unlink(path)
}

/**
 * Lets Postgres start although the recorded pid lives again as another process. The pid is replaced by our own
 * and the file kept: Postgres takes its parent's pid as stale, and still checks, by the shared memory key in the
 * file, that no backend of the dead postmaster is left.
 */
export async function disownPostmasterFile(clusterDir: string): Promise<void> {
  const path = pathOf(clusterDir)
  const content = await readIfPresent(path)
  if (content === null) return
  const { uid, gid } = await stat(path)
  const draft = draftOf(path)
  await writeFile(draft, [process.pid, ...content.split('\n').slice(1)].join('\n'), {
    mode: 0o600,
    flag: 'wx',
  })
  await chown(draft, uid, gid)
  await rename(draft, path)
}

function pathOf(clusterDir: string): string {
  return join(clusterDir, 'postmaster.pid')
}
