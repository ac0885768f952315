import { boundLine, type JudgedBound } from './bounds.js'

/** What a run leaves in its JSON file, as far as the page shows it. */
export type Results = {
  readonly machine: { readonly at: string }
  readonly quick: boolean
  readonly benches: Readonly<
    Record<string, { readonly tables: readonly string[]; readonly bounds: readonly JudgedBound[] }>
  >
}

const section = (name: string) => new RegExp(`(<!-- bench: ${name} -->\n)[^]*?(<!-- end -->)`)

/** Puts the tables of each bench between its two marks on the page; of several runs of one bench the last counts. */
export function fillPage(page: string, runs: readonly Results[]): string {
  let filled = page
  for (const { machine, quick, benches } of runs) {
    if (quick) throw new Error('the figures of a quick run mean nothing')
    for (const [name, { tables, bounds }] of Object.entries(benches)) {
      if (!section(name).test(filled)) throw new Error(`the page has no place for ${name}`)
      const lines = bounds.map((bound) => `- ${boundLine(bound)}`).join('\n')
      const text = `\nMeasured ${machine.at.slice(0, 16).replace('T', ' ')} UTC.\n\n${tables.join('\n\n')}\n\n${lines}\n\n`
      filled = filled.replace(section(name), (_, begin: string, end: string) => `${begin}${text}${end}`)
    }
  }
  return filled
}
