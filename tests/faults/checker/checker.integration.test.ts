import { expect, it } from 'vitest'
import { checkHistory } from './check-history.js'
import { modelHistory } from './model/model-history.js'

it('gives no alarm over 1,000 histories of a perfect system', { timeout: 300_000 }, () => {
  const alarms: string[] = []
  for (let seed = 1_001; seed <= 2_000; seed += 1) {
    const { ok, violations } = checkHistory(modelHistory(seed))
    if (!ok) alarms.push(`seed ${seed}: ${violations.map(({ kind, what }) => `${kind} ${what}`).join(' ')}`)
  }
  expect(alarms).toEqual([])
})
