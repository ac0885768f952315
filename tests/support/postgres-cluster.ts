import { chmod, stat } from 'node:fs/promises'
import { stopPostmaster } from '../../apps/server/embedded-postgres/postmaster.js'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'

/** Stops the Postgres of a cluster whoever started it, if one runs. */
export async function stopCluster(clusterDir: string): Promise<void> {
  const present = await stat(clusterDir).catch(() => null)
  const running = present === null ? null : await readPostmasterFile(clusterDir)
  if (running?.pid) await stopPostmaster(clusterDir, running.pid)
}

/** A temporary directory is closed to others; as root, the account of the database has to pass through it. */
export async function letOthersThrough(directory: string): Promise<void> {
  await chmod(directory, 0o711)
}
