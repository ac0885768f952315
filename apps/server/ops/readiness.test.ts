import { describe, expect, it } from 'vitest'
import { Readiness } from './readiness.js'

const ok = async () => 'ok' as const

describe('Readiness', () => {
  it('is as good as its worst check', async () => {
    expect(await new Readiness({ a: ok, b: ok }).report()).toEqual({
      status: 'ok',
      checks: { a: 'ok', b: 'ok' },
    })
    const degraded = new Readiness({ a: ok, b: async () => 'degraded' })
    expect((await degraded.report()).status).toBe('degraded')
    const away = new Readiness({ a: async () => 'unavailable', b: async () => 'degraded' })
    expect((await away.report()).status).toBe('unavailable')
  })

  it('tells of each adapter that works with what is behind it, which decides nothing', async () => {
    const adapters = [
      { port: 'BusPort', state: 'primary' },
      { port: 'LockPort', state: 'fallback' },
    ]
    expect(await new Readiness({ a: ok }, () => adapters).report()).toEqual({
      status: 'degraded',
      checks: { a: 'ok', BusPort: 'ok', LockPort: 'degraded' },
    })
  })

  it('takes a check that fails, or never answers, for unavailable', async () => {
    const failing = new Readiness({ a: () => Promise.reject(new Error('away')) })
    expect(await failing.report()).toEqual({ status: 'unavailable', checks: { a: 'unavailable' } })
    const hanging = new Readiness({ a: () => new Promise(() => undefined) })
    expect((await hanging.report()).status).toBe('unavailable')
  })

  it('sends nobody to a server that is leaving', async () => {
    const readiness = new Readiness({ a: ok })
    readiness.drain()
    expect((await readiness.report()).status).toBe('unavailable')
  })
})
