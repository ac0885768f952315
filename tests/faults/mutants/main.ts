import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { withTable } from '../campaign/report/write.js'
import { currentCommit } from '../campaign/versions.js'
import { runMutant } from './hunt.js'
import { type KeptHunt, keepHunt, keptHunt, tableOfHunts } from './kept-hunts.js'
import { MUTANTS } from './mutants.js'

const USAGE = `npm run faults:mutants -- [MUTANT …] [--seed NUMBER] [--seconds NUMBER] [--table] [--write]

Exits with 1 if a mutant was not caught. --table runs nothing and shows the newest verdict on each; --write puts these into
docs/reliability.md.`
const FOLDER = resolve('dist/faults-runs/mutants')
const PAGE = resolve('docs/reliability.md')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    table: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  process.stderr.write(`No such mutant: ${unknown.join(', ')}\n\n${USAGE}\n`)
  process.exit(2)
}
const asked = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
for (const mutant of values.table ? [] : asked) {
  say(`${mutant.name}: ${mutant.what}`)
  const seed = Number(values.seed)
  const hunt = await runMutant(mutant, { seed, seconds: Number(values.seconds), folder: FOLDER, say })
  const { caught, by, witness, historyPath } = hunt
  await keepHunt(FOLDER, mutant, { seed, commit: await currentCommit(), caught, by, witness })
  say(`  ${caught ? 'caught' : 'NOT CAUGHT'}; ${historyPath ?? 'no history'}`)
  if (!caught) process.exitCode = 1
}
const hunts = new Map<string, KeptHunt>()
for (const mutant of MUTANTS) {
  const hunt = await keptHunt(FOLDER, mutant)
  if (hunt !== null) hunts.set(mutant.name, hunt)
}
say(`\n${tableOfHunts(values.table ? MUTANTS : asked, hunts)}`)
if (values.write) {
  const table = tableOfHunts(MUTANTS, hunts)
  await writeFile(PAGE, withTable(await readFile(PAGE, 'utf8'), 'npm run faults:mutants', table))
}
