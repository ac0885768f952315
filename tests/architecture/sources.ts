import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { REPOSITORY } from './cruise.js'

export type Source = Readonly<{ path: string; text: string }>

/** The TypeScript files below a folder of this repository; none where the folder does not exist. */
export async function sources(folder: string): Promise<Source[]> {
  const root = join(REPOSITORY, folder)
  const names = await readdir(root, { recursive: true }).catch(() => [])
  const files = names.filter((name) => name.endsWith('.ts')).sort()
  return Promise.all(
    files.map(async (name) => ({
      path: relative(REPOSITORY, join(root, name)).split(sep).join('/'),
      text: await readFile(join(root, name), 'utf8'),
    })),
  )
}
