import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Mutant } from './mutants.js'

/** From the root of the project; a copy lies below it, so that it finds the same packages. */
const BUILD = resolve('dist')
const PARTS = ['core', 'adapters', 'apps']

export const folderOf = ({ name }: Pick<Mutant, 'name'>): string => join(BUILD, 'mutants', name)

/** Copies the build with the mutant's bug in it, and answers the entry point of its server. */
export async function plant(mutant: Mutant): Promise<string> {
  const folder = folderOf(mutant)
  await rm(folder, { recursive: true, force: true })
  for (const part of PARTS) await cp(join(BUILD, part), join(folder, part), { recursive: true })
  for (const { file, find, put } of mutant.replacements) {
    const path = join(folder, file)
    const parts = (await readFile(path, 'utf8')).split(find)
    if (parts.length !== 2)
      throw new Error(`${mutant.name}: ${file} has ${parts.length - 1} places instead of one: ${find}`)
    await writeFile(path, parts.join(put))
    if (file.endsWith('.sql')) await expectLastWord(path, find)
  }
  return join(folder, 'apps/server/main.js')
}

/** A migration that says the same again, of the same function for one, would undo what was changed in an earlier one. */
async function expectLastWord(path: string, find: string): Promise<void> {
  for (const later of await readdir(dirname(path)))
    if (later > basename(path) && (await readFile(join(dirname(path), later), 'utf8')).includes(find))
      throw new Error(`${basename(path)} does not have the last word, which is that of ${later}: ${find}`)
}
