import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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
  }
  return join(folder, 'apps/server/main.js')
}
