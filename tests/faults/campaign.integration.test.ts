import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fault, isStandalone } from './campaign/fault.js'
import { FAULTS } from './campaign/faults/index.js'
import { runFault } from './campaign/run-fault.js'

/** A small world for a short while; `npm run faults` is the long one. */
const SHORT = {
  processes: 2,
  seconds: 5,
  workload: { people: 10, spies: 2, rooms: { hot: 1, warm: 3, cold: 6 }, operationsPerSecond: 40 },
  phasesMs: { warmUp: 3_000, after: 2_000 },
}
const SEED = 1

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-faults-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function named(name: string): Fault {
  const fault = FAULTS.find((each) => each.name === name)
  if (fault === undefined || isStandalone(fault)) throw new Error(`there is no fault ${name}`)
  return fault
}

async function expectWithstood(name: string): Promise<void> {
  const report = await runFault({ fault: named(name), seed: SEED, folder, say: () => undefined, ...SHORT })
  expect(report.violations).toEqual([])
  expect(report.experience?.acks).toBeGreaterThan(0)
}

describe('a workload of SDK clients on two servers, judged by the checker', () => {
  it('withstands fault C3: every message sent twice, to two instances', async () => {
    await expectWithstood('C3')
  }, 180_000)

  it('withstands fault C4: lost acks', async () => {
    await expectWithstood('C4')
  }, 180_000)

  it('withstands fault C5: a late bus', async () => {
    await expectWithstood('C5')
  }, 180_000)

  it('withstands fault N1: a kill between the commit and the ack', async () => {
    await expectWithstood('N1-before-ack')
  }, 180_000)
})
