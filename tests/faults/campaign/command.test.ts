import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GIVEN_UP, USED_AGAIN } from './faults/redis/redis-fault.js'
import { readOptions, WrongUsage } from './options.js'
import { violationsOf } from './report/fault-report.js'
import { type FaultReport, keepReport, newestReports } from './report/kept-reports.js'
import { NOTICED } from './report/noticed.js'
import { tableOf } from './report/table.js'
import { withTable } from './report/write.js'
import { selectFaults } from './select.js'

/** Where `tsc -p tests/faults/tsconfig.json` puts it. */
const COMMAND = resolve('dist/faults/tests/faults/campaign/main.js')

const named = (...names: string[]) =>
  names.map((name) => ({ name, title: name, run: async () => ({ checks: [] }) }))

const report: FaultReport = {
  name: 'C3',
  title: 'twice',
  scale: null,
  processes: 2,
  seed: 7,
  commit: 'abc',
  steps: [],
  stalledMs: null,
  experience: null,
  checks: [{ name: 'a check', checked: 12, violations: [] }],
  verdicts: [],
  violations: [],
  witnesses: [],
  historyPath: null,
  tookMs: 1_000,
}

describe('npm run faults', () => {
  it('takes names, a seed, processes and seconds', () => {
    expect(readOptions(['N1', 'C3', '--seed', '7', '--processes', '3', '--seconds', '20'])).toMatchObject({
      names: ['N1', 'C3'],
      seed: 7,
      processes: [3],
      seconds: 20,
    })
    expect(readOptions([])).toMatchObject({ names: [], processes: [2, 3], dry: false, write: false })
  })

  it.each([[['--seed', 'x']], [['--processes', '1']], [['--seconds', '1']], [['--unknown']]])(
    'refuses %j',
    (args) => {
      expect(() => readOptions(args)).toThrow(WrongUsage)
    },
  )

  it('finds faults by name and by number, and says which there are', () => {
    const all = named('N1-before-commit', 'N1-before-ack', 'N10', 'C3')
    const namesOf = (...names: string[]) => selectFaults(all, names).map(({ name }) => name)
    expect(namesOf('N1')).toEqual(['N1-before-commit', 'N1-before-ack'])
    expect(namesOf('C3', 'N1-before-ack')).toEqual(['N1-before-ack', 'C3'])
    expect(namesOf()).toHaveLength(4)
    expect(() => namesOf('Z9')).toThrow(/N1-before-commit/)
  })

  it.each([
    ['skips', undefined, 0],
    ['fails', 'true', 1],
  ])('%s what needs a Redis where there is none and CI is %s', async (_what, CI, code) => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-reports-'))
    const { CI: _, ...inherited } = process.env
    const env = { ...inherited, ...(CI === undefined ? {} : { CI }), REDIS_SERVER_PATH: join(folder, 'none') }
    const run = spawnSync(process.execPath, [COMMAND, 'R1', '--processes', '2'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    })
    await rm(folder, { recursive: true })
    expect(run.status, run.stderr).toBe(code)
    expect(run.stdout).toMatch(/there is no .*\(REDIS_SERVER_PATH\)/)
  })

  it('finds those whose servers have a Redis as a group', () => {
    const [one, other] = named('C3', 'C4')
    const fault = {
      name: 'R1',
      title: 'away',
      schedule: () => [],
      start: () => ({ inject: async () => undefined }),
    }
    const withRedis = { ...fault, topology: { redis: {} } }
    const all = [one, withRedis, { ...fault, name: 'C5', topology: { redis: null } }, other].flatMap(
      (each) => each ?? [],
    )
    expect(selectFaults(all, ['redis'])).toEqual([withRedis])
    expect(selectFaults(all, ['redis', 'C4'])).toEqual([withRedis, other])
  })

  it('shows of a fault of Redis what users saw, and how long it took to give Redis up and to use it again', () => {
    const seen = (name: string, text: string) => ({ name, checked: 1, violations: [], seen: text })
    const checks = [seen(NOTICED, '0 of 9'), seen(GIVEN_UP, 'after 0.4 s'), seen(USED_AGAIN, 'after 2.0 s')]
    expect(tableOf([{ ...report, checks }])).toContain('| 0 of 9 | after 0.4 s; after 2.0 s |')
    expect(tableOf([report])).toContain('| – | – | 12 |')
  })

  it('counts a check that looked at nothing as a violation', () => {
    expect(violationsOf([{ name: 'a check', checked: 0, violations: [] }])).toEqual([
      'a check: nothing was checked',
    ])
    expect(violationsOf([{ name: 'a check', checked: 1, violations: ['bad'] }])).toEqual(['a check: bad'])
  })

  it('writes its table where the page has a place for it, and nowhere else', () => {
    const other = '<!-- table of another command -->\nkept\n<!-- end of the table -->\n'
    const page = `${other}before\n<!-- table of npm run faults -->\nold\n<!-- end of the table -->\nafter\n`
    const table = tableOf([report])
    const written = withTable(page, 'npm run faults', table)
    expect(written).toContain(table)
    expect(written).not.toContain('old')
    expect(written.startsWith(`${other}before\n`)).toBe(true)
    expect(written.endsWith('after\n')).toBe(true)
    expect(withTable(written, 'npm run faults', table)).toBe(written)
    expect(() => withTable('a page', 'npm run faults', table)).toThrow()
  })

  it('keeps the newest report of each fault and number of processes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-reports-'))
    try {
      for (const [index, kept] of [
        { ...report, seed: 1 },
        { ...report, seed: 2 },
        { ...report, processes: 3 },
        { ...report, name: 'C4' },
        { ...report, name: 'gone' },
      ].entries()) {
        await keepReport(join(folder, `run-${index}`), kept)
        await sleep(20)
      }
      const shown = await newestReports(folder, ['C4', 'C3'])
      expect(shown.map(({ name, processes, seed }) => [name, processes, seed])).toEqual([
        ['C4', 2, 7],
        ['C3', 2, 2],
        ['C3', 3, 7],
      ])
      expect(await newestReports(join(folder, 'none'), ['C3'])).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
