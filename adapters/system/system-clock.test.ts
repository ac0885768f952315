import { describe, expect, it } from 'vitest'
import { SystemClock } from './system-clock.js'

const timersThatHoldTheProcess = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

describe('SystemClock', () => {
  it('does not keep a process alive for a task that waits', () => {
    const before = timersThatHoldTheProcess()
    const control = setTimeout(() => undefined, 60_000)
    expect(timersThatHoldTheProcess()).toBe(before + 1)
    clearTimeout(control)
    const cancel = new SystemClock().after(60_000, () => undefined)
    expect(timersThatHoldTheProcess()).toBe(before)
    cancel()
  })
})
