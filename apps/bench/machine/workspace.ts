import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { undoing } from './undoing.js'

const TMPFS = 0x01021994

/** A temporary folder for the databases of one bench. */
export type Workspace = {
  readonly path: string
  readonly authSecret: string
  /** Whether commits reach a disk at all here. */
  readonly inMemory: boolean
  remove(): Promise<void>
}

export async function openWorkspace(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  // As root the databases run as another account, which has to pass through.
  await chmod(path, 0o711)
  return {
    path,
    authSecret: randomBytes(32).toString('base64url'),
    inMemory: (await statfs(path)).type === TMPFS,
    remove: undoing(() => rm(path, { recursive: true, force: true })),
  }
}
