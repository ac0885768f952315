import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { untilIdle } from './quiescence.js'

describe('waiting for an idle core', () => {
  it('ends with the sixth sample in a row in which it has next to nothing to do', async () => {
    const shares = [1, 0.11, 0.04, 0.04, 0.04, 0.04, 0.04, 0.6, 0.1, 0.04, 0.04, 0.04, 0.04, 0.04, 1]
    assert.equal(await untilIdle(60_000, async () => shares.shift() ?? null), true)
    assert.deepEqual(shares, [1])
  })

  it('says so where the core stays busy', async () => {
    const busy = async () => {
      await sleep(5)
      return 0.5
    }
    assert.equal(await untilIdle(30, busy), false)
  })

  it('waits for nothing where nobody can tell', async () => {
    assert.equal(await untilIdle(60_000, async () => null), true)
  })
})
