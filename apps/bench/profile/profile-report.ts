import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { rounded } from '../report/numbers.js'
import { table } from '../report/table.js'
import { COMPILED_ROOT } from './agent-process.js'
import { type Share, summarise } from './cpu-profile.js'
import type { StatementTotal } from './statements.js'

const SHOWN = { self: 35, total: 45, places: 16 }

/** A new file for a profile among the results. */
export async function profileFile(name: string): Promise<string> {
  const folder = resolve('bench-results')
  await mkdir(folder, { recursive: true })
  return join(folder, `${name}-${Date.now()}.cpuprofile`)
}

/** Where the time of a profile went, as text. */
export async function profileTables(file: string): Promise<string> {
  const { self, total, places } = summarise(JSON.parse(await readFile(file, 'utf8')), COMPILED_ROOT)
  return [
    `\nSelf time by place\n${shares(places.slice(0, SHOWN.places))}`,
    `\nSelf time by function\n${shares(self.slice(0, SHOWN.self))}`,
    `\nTime with what was called\n${shares(total.slice(0, SHOWN.total))}`,
    `\nProfile: ${file}`,
  ].join('\n')
}

const shares = (rows: readonly Share[]): string =>
  table(
    ['%', 'where'],
    rows.map(({ name, share }) => [(share * 100).toFixed(1), name]),
  )

/** What each statement took in Postgres, for each of so many messages or clients. */
export const statementTable = (rows: readonly StatementTotal[], count: number): string =>
  table(
    ['µs each', 'calls', 'mean ms', 'rows', 'statement'],
    rows.map(({ calls, totalMs, meanMs, rows: touched, query }) => [
      rounded((totalMs * 1_000) / count),
      String(calls),
      rounded(meanMs),
      String(touched),
      query.replaceAll(/\s+/g, ' ').slice(0, 150),
    ]),
  )
