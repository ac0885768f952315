import { resolve } from 'node:path'
import { build, type Rolldown } from 'vite'

/** Code as a page loads it: bundled and minified. */
export async function bundle(entry: string, external: readonly string[] = []): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: resolve(entry), formats: ['es'], fileName: 'bundle' },
      rolldownOptions: { external: [...external], output: { minify: true } },
    },
  })
  const [output] = [built].flat() as Rolldown.RolldownOutput[]
  if (output === undefined || output.output.length !== 1) throw new Error('one file was to be made')
  return output.output[0].code
}
