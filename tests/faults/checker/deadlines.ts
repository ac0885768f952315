import {
  BOUND_WITHOUT_REDIS_MS,
  BOUNDS_MS,
  type Bound,
  LONGEST_STALL_MS,
  type Suspendable,
} from './bounds.js'
import { firstAt } from './grouping.js'
import type { History, NemesisLine, StallLine } from './history.js'

const NS_PER_MS = 1_000_000
/** Who sees what is late. */
export type Onlooker = { readonly client: string; readonly instance: string }

/** What a fault may put off; the others have the contract's bound and nothing more. */
const SUSPENDABLE: Record<Bound, Suspendable | null> = {
  L7: 'L7',
  L8: null,
  L9: null,
  'L10-disconnect': 'L10',
  'L10-death': 'L10',
  'L10-sign-out': 'L10',
}
const SHORTER_WITH_REDIS: readonly Bound[] = ['L7', 'L8', 'L9']

/** When a bound that began to run at some time is over. */
export class Deadlines {
  private readonly withoutRedis: readonly NemesisLine[]
  private readonly suspending: Record<Suspendable, readonly NemesisLine[]>
  private readonly instances: ReadonlySet<string>
  private readonly clients: ReadonlySet<string>
  private readonly stalls: readonly StallLine[]
  private readonly stallStops: readonly number[]

  constructor(history: History) {
    const { faults, header, connections, stalls } = history
    this.withoutRedis = faults.filter(({ redis }) => redis === 'away')
    const suspending = (what: Suspendable) => faults.filter(({ suspends }) => suspends?.includes(what))
    this.suspending = { L7: suspending('L7'), L10: suspending('L10') }
    this.instances = new Set(header.instances)
    this.clients = new Set(connections.map(({ client }) => client))
    this.stalls = stalls
    this.stallStops = stalls.map(({ stop }) => stop)
  }

  /** `Infinity` where that cannot be judged. */
  after(t: number, bound: Bound, who: Onlooker): number {
    const what = SUSPENDABLE[bound]
    const ns = this.boundMs(t, bound) * NS_PER_MS
    let deadline = t + ns
    if (what === null) return deadline
    // In the order of their start, so that one after another can put it off.
    for (const fault of this.suspending[what])
      if (fault.start <= deadline && fault.stop >= t && this.concerns(fault, who))
        deadline = Math.max(deadline, fault.stop + ns)
    return deadline + this.worstStall(t, deadline)
  }

  private worstStall(from: number, to: number): number {
    let worst = 0
    for (let at = firstAt(this.stallStops, from); at < this.stalls.length; at += 1) {
      const { start, stop } = this.stalls[at] as StallLine
      if (start > to) break
      worst = Math.max(worst, stop - start)
    }
    return worst > LONGEST_STALL_MS * NS_PER_MS ? Infinity : worst
  }

  private boundMs(t: number, bound: Bound): number {
    const ms = BOUNDS_MS[bound]
    if (!SHORTER_WITH_REDIS.includes(bound)) return ms
    const away = this.withoutRedis.some(({ start, stop }) => start <= t + ms * NS_PER_MS && stop >= t)
    return away ? BOUND_WITHOUT_REDIS_MS : ms
  }

  private concerns({ target }: NemesisLine, who: Onlooker): boolean {
    if (this.instances.has(target)) return who.instance === target
    if (this.clients.has(target)) return who.client === target
    return true
  }
}
