import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stopCluster } from '../../support/postgres-cluster.js'

/** A file system of its own, so small that it can be filled. */
export interface SmallDisk {
  readonly path: string
  /** As `PARLEY_DATA_DIR`; not there yet. */
  readonly dataDir: string
  freeBytes(): Promise<number>
  /** Leaves no byte free. */
  fill(): Promise<void>
  /** Gives all of that back. */
  free(): Promise<void>
  /** Stops what may still run in `dataDir`, and unmounts. */
  remove(): Promise<void>
}

const run = promisify(execFile)
const BLOCK_BYTES = 4_096

/** Mounts a tmpfs, for which Linux asks for root. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'parley-small-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'parley-small-disk', path]).catch(
    async (error: unknown) => {
      await rm(path, { recursive: true })
      throw new Error('a file system of its own cannot be mounted here; it takes root on Linux', {
        cause: error,
      })
    },
  )
  await chmod(path, 0o711)
  const dataDir = join(path, 'data')
  const ballast = join(path, 'ballast')
  const freeBytes = async () => {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  }
  return {
    path,
    dataDir,
    freeBytes,
    async fill() {
      for (let piece = 0; ; piece += 1) {
        const left = await freeBytes()
        if (left === 0) return
        // What is written meanwhile may take the last block first.
        await writeFile(`${ballast}-${piece}`, Buffer.alloc(Math.max(left, BLOCK_BYTES))).catch(
          () => undefined,
        )
      }
    },
    async free() {
      await run('find', [path, '-maxdepth', '1', '-name', 'ballast-*', '-delete'])
    },
    async remove() {
      await stopCluster(join(dataDir, 'postgres'))
      await run('umount', [path])
      await rm(path, { recursive: true })
    },
  }
}

/** Whether `smallDisk` works here. */
export async function canMount(): Promise<boolean> {
  const disk = await smallDisk(1).catch(() => null)
  await disk?.remove()
  return disk !== null
}
