import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ThroughputRound } from '../../apps/bench/benches/throughput-rounds.js'

const MAIN = resolve('dist/apps/bench/main.js')

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-bench-test-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** The bench as a user runs it, with its results in a folder of the test. */
async function bench(...args: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output, errors }
}

describe('the bench', () => {
  // Whether a rate holds depends on what else the machine does, so that is not asked here.
  it('measures all three systems in one run, prints the ratios and keeps what it measured', async () => {
    const { code, output, errors } = await bench('--quick', 'fan-out', 'history')
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    for (const title of ['bare Socket.io', 'one transaction a message', 'Parley'])
      expect(output).toMatch(new RegExp(`^\\| ${title} +\\| ([\\d,.]+|–) deliveries/s`, 'm'))
    expect(output).toMatch(/^fan-out, Parley over bare Socket\.io, bound ≥ 0\.7: (\d+\.\d\d|–) [✓✗]$/m)
    expect(output).toMatch(/^\| search, rare word +\| 10 \/ 10 /m)

    const file = /^Raw results: (.+)$/m.exec(output)?.[1] ?? ''
    const { benches } = JSON.parse(await readFile(file, 'utf8'))
    expect(Object.keys(benches)).toEqual(['fan-out', 'history'])
    const rounds: ThroughputRound[] = benches['fan-out'].raw.rounds
    expect(rounds.map(({ system }) => system)).toEqual(['bare', 'naive', 'parley'])
    for (const { steps } of rounds) {
      expect(steps.every(({ surplus, closed }) => surplus + closed === 0)).toBe(true)
      expect(steps.some(({ acked, delivered }) => acked > 0 && delivered > 0)).toBe(true)
    }
  }, 300_000)

  it('names the benches that there are where it is asked for another', async () => {
    const { code, errors } = await bench('fan-in')
    expect(code).toBe(2)
    expect(errors).toContain('there is no bench "fan-in" here')
    expect(errors).toContain('small-rooms')
  })
})
