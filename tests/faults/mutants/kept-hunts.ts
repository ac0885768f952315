import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mutant } from './mutants.js'

/** How the newest run of a mutant ended. */
export type KeptHunt = {
  readonly seed: number
  /** Of the code in which the mutant was planted. */
  readonly commit: string
  readonly caught: boolean
  /** The kinds of violations of the invariants that it must break, with how often each was found. */
  readonly by: string
  readonly witness: string
}

const fileOf = (folder: string, { name }: Mutant): string => join(folder, `${name}.json`)

export async function keepHunt(folder: string, mutant: Mutant, hunt: KeptHunt): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(fileOf(folder, mutant), `${JSON.stringify(hunt, null, 2)}\n`)
}

/** Null where it was never run. */
export async function keptHunt(folder: string, mutant: Mutant): Promise<KeptHunt | null> {
  const text = await readFile(fileOf(folder, mutant), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as KeptHunt)
}

const HEADINGS = ['mutant', 'fault', 'seed', 'commit', 'verdict', 'by', 'first witness']

/** As a Markdown table, a line for each mutant. */
export function tableOfHunts(mutants: readonly Mutant[], hunts: ReadonlyMap<string, KeptHunt>): string {
  const rows = mutants.map(({ name, what, fault }) => {
    const hunt = hunts.get(name)
    const told =
      hunt === undefined
        ? ['–', '–', '**not run**', '–', '–']
        : [
            String(hunt.seed),
            hunt.commit,
            hunt.caught ? 'caught' : '**not caught**',
            hunt.by || '–',
            hunt.witness,
          ]
    return [`${name}: ${what}`, fault, ...told]
  })
  return [HEADINGS, HEADINGS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
