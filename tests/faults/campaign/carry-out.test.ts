import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { carryOut, type InForce } from './carry-out.js'
import type { FaultRun } from './fault.js'

const STEP = { atMs: 0, forMs: 20, act: 'stand still', target: 'i1' }
const WAIT_MS = 60

async function inForce(inject: FaultRun['inject']): Promise<number> {
  const seen: InForce[] = []
  await carryOut([STEP], { inject }, (_step, during) => void seen.push(during))
  expect(seen).toHaveLength(1)
  return seen.reduce((sum, { startNs, stopNs }) => sum + (stopNs - startNs) / 1e6, 0)
}

it('a step is in force from its call to the end of its heal, unless the fault marks it closer', async () => {
  const whole = await inForce(async () => {
    await sleep(WAIT_MS)
    return () => sleep(WAIT_MS)
  })
  expect(whole).toBeGreaterThanOrEqual(2 * WAIT_MS)

  const marked = await inForce(async (_step, moments) => {
    await sleep(WAIT_MS)
    moments.began()
    return async () => {
      moments.over()
      await sleep(WAIT_MS)
    }
  })
  expect(marked).toBeGreaterThan(0)
  expect(marked).toBeLessThan(whole - WAIT_MS)
})
