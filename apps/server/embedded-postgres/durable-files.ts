import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from './errors.js'

/** A name beside `path` for what is not finished; it tells whose it is, so that a dead one's can be swept. */
export function draftOf(path: string): string {
  return `${path}.init-${process.pid}-${randomBytes(4).toString('hex')}`
}

/** The pid in a name made by `draftOf`, or null for any other name. */
export function draftOwner(name: string): number | null {
  const pid = /\.init-(\d+)-[0-9a-f]{8}/.exec(name)?.[1]
  return pid === undefined ? null : Number(pid)
}

/**
 * Creates a file of mode 0600, unless it exists; answers its content either way. Of several processes at
 * once exactly one writes, and none sees half of it: the finished draft gets its name by `link`.
 */
export async function createOnce(path: string, content: () => string): Promise<string> {
  const existing = await readIfPresent(path)
  if (existing !== null) return existing
  const draft = draftOf(path)
  try {
    await writeFile(draft, content(), { mode: 0o600, flag: 'wx', flush: true })
    await link(draft, path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    await syncFolder(dirname(path))
  } finally {
    await unlink(draft).catch(() => undefined)
  }
  return readFile(path, 'utf8')
}

export async function readIfPresent(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
}

/** Gives a finished folder its name. False if the name is taken by a folder that is not empty. */
export async function claimName(draft: string, path: string): Promise<boolean> {
  try {
    await rename(draft, path)
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
    throw error
  }
  await syncFolder(dirname(path))
  return true
}

/** A new name survives a power cut only once its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
