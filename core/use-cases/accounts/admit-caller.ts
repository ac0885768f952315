import { ipKey } from '../../domain/ip.js'
import { LIMITS } from '../../domain/rate-limits.js'
import type { Refusal } from '../../domain/refusal.js'
import type { Result } from '../../domain/result.js'
import type { RateLimitPort } from '../../ports/rate-limit-port.js'
import { withinLimits } from '../rate-limiting.js'

type Ports = { limits: RateLimitPort }

const LIMIT_OF = { http: LIMITS.requestsPerIp, connect: LIMITS.connectsPerIp }

/** Whether an address may ask anything at all, before it is known who is there. */
export class AdmitCaller {
  constructor(private readonly ports: Ports) {}

  async execute(caller: {
    readonly ip: string
    readonly to: 'http' | 'connect'
  }): Promise<Result<null, Refusal>> {
    return withinLimits(this.ports.limits, [[`${caller.to}:ip:${ipKey(caller.ip)}`, LIMIT_OF[caller.to]]])
  }
}
