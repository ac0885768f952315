import { type ExecFileOptions, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const REPOSITORY = resolve(import.meta.dirname, '../..')
const NOT_COPIED = new Set(['node_modules', 'dist', 'data', '.git'])

export type Package = Readonly<{ tarball: string; files: readonly string[] }>

/** Packs a copy of this repository, so that what is packed is built now and nobody else's build is touched. */
export async function pack(folder: string): Promise<Package> {
  const copy = await mkdtemp(join(folder, 'copy-'))
  await cp(REPOSITORY, copy, {
    recursive: true,
    filter: (source) => !NOT_COPIED.has(relative(REPOSITORY, source).split(sep)[0] ?? ''),
  })
  await symlink(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'), 'dir')
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: copy,
  })
  const reported = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))
  const [report] = Object.values(reported) as [{ filename: string; files: { path: string }[] }]
  return { tarball: join(folder, report.filename), files: report.files.map(({ path }) => path).sort() }
}

/** A project of somebody else: an empty folder with our tarball, what else it asks for, and one of the scripts. */
export async function scratchProject(
  folder: string,
  tarball: string,
  packages: readonly string[],
  script: string,
): Promise<string> {
  const project = await mkdtemp(join(folder, 'embedder-'))
  await writeFile(
    join(project, 'package.json'),
    JSON.stringify({ name: 'embedder', private: true, type: 'module' }),
  )
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    types: ['node'],
    typeRoots: [join(REPOSITORY, 'node_modules/@types')],
    outDir: 'out',
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  await cp(join(import.meta.dirname, 'scratch', 'talk.ts'), join(project, 'talk.ts'))
  await cp(join(import.meta.dirname, 'scratch', script), join(project, 'main.ts'))
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...packages], {
    cwd: project,
  })
  return project
}

/** Type-checks the script strictly, libraries included, and compiles it. */
export async function compile(project: string): Promise<void> {
  await run(process.execPath, [join(REPOSITORY, 'node_modules/typescript/bin/tsc'), '-p', project])
}

/** The lines that the script printed. */
export async function runScript(project: string, env: Record<string, string> = {}): Promise<string[]> {
  const { stdout } = await run(process.execPath, ['out/main.js'], {
    cwd: project,
    env: { ...process.env, ...env },
  })
  return stdout.trimEnd().split('\n')
}

/** A script that answers each line with one. */
export type Conversation = {
  ask(line: string): Promise<string>
  /** Nothing more is asked; the exit code, and what the script complained of. */
  end(): Promise<{ readonly code: number | null; readonly complaints: string }>
}

/** Runs the script for as long as it is asked something. */
export function converse(project: string, env: Record<string, string>): Conversation {
  const child = spawn(process.execPath, ['out/main.js'], { cwd: project, env: { ...process.env, ...env } })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(line) {
      child.stdin.write(`${line}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`the script ended:\n${complaints}`)
      return value
    },
    async end() {
      child.stdin.end()
      const [code] = await ended
      return { code, complaints }
    },
  }
}

/** Rejects with what the program printed, of which the compiler's errors are a part. */
async function run(
  program: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<{ stdout: string }> {
  const { stdout } = await execute(program, args, { ...options, encoding: 'utf8' }).catch(
    (error: { stdout?: string }) => {
      throw new Error(`${String(error)}\n${error.stdout ?? ''}`)
    },
  )
  return { stdout }
}

/** The names of all packages in the project, as its lock file has them. */
export async function installed(project: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as { packages: object }
  return Object.keys(lock.packages)
    .flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? [])
    .sort()
}
