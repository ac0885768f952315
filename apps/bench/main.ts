import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  measureThroughput,
  THROUGHPUT,
  THROUGHPUT_BENCHES,
  type ThroughputName,
} from './benches/throughput.js'
import { unpinnedBecause } from './machine/pinning.js'
import { openWorkspace } from './machine/workspace.js'
import { profileBench } from './profile/profile-bench.js'
import { boundLine, type JudgedBound } from './report/bounds.js'
import { throughputBounds, throughputTable } from './report/throughput-report.js'
import { settingsFor } from './settings.js'
import type { SystemName } from './systems/system.js'

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      rate: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '5' },
      system: { type: 'string', default: 'parley' },
    },
  })
  const settings = settingsFor(values.quick, values.rounds === undefined ? null : Number(values.rounds), say)
  const names = positionals.length > 0 ? (positionals as ThroughputName[]) : THROUGHPUT_BENCHES
  const workspace = await openWorkspace()
  const results: Record<string, unknown> = {}
  const bounds: JudgedBound[] = []
  try {
    if (unpinnedBecause !== null) say(`Nothing is pinned to a core: ${unpinnedBecause}.`)
    for (const name of names) {
      const bench = THROUGHPUT[name]
      say(`\n## ${name}: ${bench.title}\n`)
      if (values.profile) {
        const options = { perSecond: Number(values.rate), seconds: Number(values.seconds), say }
        await profileBench(bench, workspace, { ...options, system: values.system as SystemName })
        continue
      }
      const rounds = await measureThroughput(bench, workspace, settings)
      const judged = throughputBounds(name, rounds)
      results[name] = { rounds, bounds: judged }
      bounds.push(...judged)
      say(`\n${throughputTable(bench, rounds)}\n`)
      for (const bound of judged) say(boundLine(bound))
    }
  } finally {
    await workspace.remove()
  }
  const folder = resolve('bench-results')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`)
  await writeFile(file, `${JSON.stringify({ results, bounds }, null, 1)}\n`)
  say(`\nRaw results: ${file}`)
}

await main()
