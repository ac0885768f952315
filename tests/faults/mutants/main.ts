import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runMutant } from './hunt.js'
import { MUTANTS } from './mutants.js'

/** `npm run faults:mutants [-- NAME ...] [--seed 1] [--seconds 20]`: exits with 1 if a mutant was not caught. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, seconds: { type: 'string', default: '20' } },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const folder = resolve('dist/faults-runs/mutants')
await mkdir(folder, { recursive: true })
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  process.stderr.write(`No such mutant: ${unknown.join(', ')}\n`)
  process.exit(2)
}
const rows: string[] = []
for (const mutant of MUTANTS) {
  if (positionals.length > 0 && !positionals.includes(mutant.name)) continue
  say(`${mutant.name}: ${mutant.what}`)
  const options = { seed: Number(values.seed), seconds: Number(values.seconds), folder, say }
  const { caught, by, witness, historyPath } = await runMutant(mutant, options)
  say(`  ${caught ? 'caught' : 'NOT CAUGHT'}; ${historyPath ?? 'no history'}`)
  rows.push(
    `| ${mutant.name}: ${mutant.what} | ${mutant.fault} | ${caught ? by : '**not caught**'} | ${witness} |`,
  )
  if (!caught) process.exitCode = 1
}
say(['', '| mutant | fault | caught by | first witness |', '|---|---|---|---|', ...rows].join('\n'))
