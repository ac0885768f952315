import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeWithRedis } from '../support/redis.js'
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

function named(name: string): Fault {
  const fault = FAULTS.find((each) => each.name === name)
  if (fault === undefined || isStandalone(fault)) throw new Error(`there is no fault ${name}`)
  return fault
}

/** Of a run that was not withstood all is kept, since the next run may be: its history, the verdict, what the servers said. */
async function expectWithstood(name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-faults-'))
  try {
    const report = await runFault({ fault: named(name), seed: SEED, folder, say: () => undefined, ...SHORT })
    expect(report.violations, report.witnesses.join('\n')).toEqual([])
    expect(report.experience?.acks).toBeGreaterThan(0)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\nThe run is kept in ${folder}`, {
      cause: error,
    })
  }
  await rm(folder, { recursive: true, force: true })
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

describeWithRedis('a workload of SDK clients on servers with a Redis, judged by the checker', () => {
  it('withstands fault R4: Redis comes back as it was before deletes, removals and ended logins', async () => {
    await expectWithstood('R4')
  }, 180_000)

  it('withstands fault R9: only the connections that listen are cut', async () => {
    await expectWithstood('R9')
  }, 180_000)
})
