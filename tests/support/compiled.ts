import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** A program of the tests as JavaScript, so that it can run, and be killed, as a process of its own. */
export type CompiledProgram = { readonly path: string; remove(): Promise<void> }

/** `source` is from the root of the project. */
export async function compileProgram(source: string): Promise<CompiledProgram> {
  const root = resolve(import.meta.dirname, '../..')
  // Below the project, so that the packages it imports are found.
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'parley-compiled-'))
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { noEmit: false, outDir, rootDir: root, typeRoots: [join(root, 'node_modules/@types')] },
    files: [join(root, source)],
    include: [],
  }
  await writeFile(join(outDir, 'tsconfig.json'), JSON.stringify(config))
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}')
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', outDir])
  return {
    path: join(outDir, source.replace(/\.ts$/, '.js')),
    remove: () => rm(outDir, { recursive: true, force: true }),
  }
}
