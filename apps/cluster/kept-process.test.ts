import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { KeptProcess } from './kept-process.js'

const kept: KeptProcess[] = []
afterEach(async () => {
  await Promise.all(kept.splice(0).map((each) => each.stop(0)))
})

/** Runs scripts of Node, the n-th at the n-th start, which serve once they print something. */
function keep(...scripts: string[]) {
  const ups: number[] = []
  const downs: number[] = []
  const lines: string[] = []
  let starts = 0
  const each = new KeptProcess({
    name: 'It',
    launch: () => {
      const script = scripts[Math.min(starts, scripts.length - 1)] ?? ''
      starts += 1
      return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    },
    serves: async (child) => String(await once(child.stdout ?? child, 'data')),
    onUp: (_address, pid) => ups.push(pid),
    onDown: () => downs.push(ups.at(-1) ?? 0),
    say: (line) => lines.push(line),
  })
  kept.push(each)
  return { kept: each, ups, downs, lines, starts: () => starts }
}

const SERVES = "process.stdout.write('here'); setInterval(() => {}, 1000)"
const FAILS = 'process.exit(3)'
const IS_DEAF = `process.on('SIGTERM', () => {}); ${SERVES}`

describe('KeptProcess', () => {
  it('rejects when the process ends before it serves, and leaves it at that', async () => {
    const { kept, lines, starts } = keep(FAILS)
    await expect(kept.start()).rejects.toThrow('It ended before it was ready (exit code 3)')
    expect([starts(), lines]).toEqual([1, []])
  })

  it('rejects when there is no such program', async () => {
    const missing = new KeptProcess({
      name: 'It',
      launch: () => spawn('/nowhere/program'),
      serves: () => new Promise(() => undefined),
      onUp: () => undefined,
      onDown: () => undefined,
      say: () => undefined,
    })
    await expect(missing.start()).rejects.toThrow('ENOENT')
    await missing.stop(0)
  })

  it('starts it again however often that fails, and tells each time', async () => {
    const { kept, ups, downs, lines } = keep(SERVES, FAILS, FAILS, SERVES)
    await kept.start()
    process.kill(ups[0] ?? 0, 'SIGKILL')
    await expect.poll(() => ups.length, { timeout: 15_000 }).toBe(2)
    expect(downs).toEqual([ups[0]])
    const failed = 'It ended before it was ready (exit code 3)'
    expect(lines).toEqual(['It has ended (SIGKILL): it is started again.', failed, failed])
  })

  it('kills what does not end when it is asked to', async () => {
    const { kept, ups, starts } = keep(IS_DEAF)
    await kept.start()
    const beganMs = performance.now()
    await kept.stop(300)
    expect(performance.now() - beganMs).toBeGreaterThan(290)
    expect(() => process.kill(ups[0] ?? 0, 0)).toThrow('ESRCH')
    expect(starts()).toBe(1)
  })

  it('stops while it starts', async () => {
    const { kept } = keep('setInterval(() => {}, 1000)')
    const starting = kept.start()
    const refused = expect(starting).rejects.toThrow('before it was ready')
    await kept.stop(5_000)
    await refused
    await expect(kept.start()).rejects.toThrow('not wanted any more')
  })
})
