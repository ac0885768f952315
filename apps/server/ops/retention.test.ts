import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Retention } from './retention.js'

describe('Retention', () => {
  it('forgets again and again, also after a failure, until it is stopped', async () => {
    let calls = 0
    const failures: unknown[] = []
    const forget = async () => {
      calls += 1
      if (calls === 2) throw new Error('no database')
    }
    const retention = new Retention(forget, (error) => failures.push(error), { firstAfterMs: 0, everyMs: 5 })
    await vi.waitFor(() => expect(calls).toBeGreaterThan(3))
    expect(failures).toEqual([new Error('no database')])
    await retention.stop()
    const callsThen = calls
    await sleep(50)
    expect(calls).toBe(callsThen)
  })

  it('lets what is under way finish when it stops', async () => {
    const steps: string[] = []
    let finish = () => {}
    const forget = async () => {
      steps.push('begun')
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      steps.push('finished')
    }
    const retention = new Retention(forget, () => undefined, { firstAfterMs: 0, everyMs: 60_000 })
    await vi.waitFor(() => expect(steps).toEqual(['begun']))
    const stopped = retention.stop().then(() => steps.push('stopped'))
    await sleep(20)
    finish()
    await stopped
    expect(steps).toEqual(['begun', 'finished', 'stopped'])
  })
})
