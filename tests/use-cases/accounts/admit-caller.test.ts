import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../core/domain/rate-limits.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { codeOf, newIp, type Options, type System, start, waitOf } from './system.js'

async function admitted({ parley }: System, ip: string, to: 'http' | 'connect', calls: number) {
  let count = 0
  for (let call = 0; call < calls; call += 1)
    if ((await parley.admitCaller.execute({ ip, to })).ok) count += 1
  return count
}

const scaledBy = (factor: number): Options => ({
  wrap: ({ localLimits }) => ({ localLimits: new ScaledRateLimit(localLimits, factor) }),
})

describe('AdmitCaller', () => {
  it('lets an address ask as often as its limit says, and again after the time that it names', async () => {
    const system = start()
    const ip = newIp()
    const { burst } = LIMITS.connectsPerIp
    expect(await admitted(system, ip, 'connect', burst + 50)).toBe(burst)
    const refused = await system.parley.admitCaller.execute({ ip, to: 'connect' })
    expect(codeOf(refused)).toBe('RATE_LIMITED')
    system.clock.pass(waitOf(refused))
    expect(await admitted(system, ip, 'connect', 2)).toBe(1)
  })

  it('counts requests, connections and addresses apart', async () => {
    const system = start()
    const ip = newIp()
    await admitted(system, ip, 'connect', LIMITS.connectsPerIp.burst)
    expect(await admitted(system, ip, 'http', 1)).toBe(1)
    expect(await admitted(system, newIp(), 'connect', 1)).toBe(1)
  })
})

describe('ScaledRateLimit', () => {
  it('multiplies the burst and the rate', async () => {
    const system = start(scaledBy(2))
    const ip = newIp()
    const { burst, perMinute } = LIMITS.connectsPerIp
    expect(await admitted(system, ip, 'connect', 2 * burst + 50)).toBe(2 * burst)
    system.clock.pass(6_000)
    expect(await admitted(system, ip, 'connect', burst)).toBe((2 * perMinute) / 10)
  })

  it('still lets one call through at a time when it makes limits small', async () => {
    const system = start(scaledBy(0.0001))
    expect(await admitted(system, newIp(), 'connect', 10)).toBe(1)
  })
})
