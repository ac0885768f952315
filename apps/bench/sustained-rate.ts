import type { StepResult } from './load/protocol.js'

export type Search = {
  readonly startPerSecond: number
  /** By how much a rate that held is raised. */
  readonly growth: number
  /** How near the highest rate that held and the lowest that did not have to come. */
  readonly precision: number
  readonly stepsMax: number
}

export type Sustained = {
  /** The step with the highest rate that held; null where none did. */
  readonly best: StepResult | null
  /** Whether the load generator was what gave out first: then the server can do more. */
  readonly limitedByLoad: boolean
  readonly steps: readonly (StepResult & { readonly failure: string | null })[]
}

const ALL = 0.999
const P99_MS = 100
/** Above this share of its core the generator itself makes messages late. */
export const LOAD_CPU_MAX = 0.9

/** Why the rate of this step does not count as sustained; null where it does. */
export function failureOf(step: StepResult): string | null {
  if (step.closed > 0) return 'a connection was closed'
  if (step.surplus !== 0) return `${step.surplus} deliveries too many`
  if (step.refused > 0) return `${step.refused} refused: ${step.refusal}`
  if (step.fellBehind) return 'fell behind'
  if (step.acked < step.sent * ALL) return `${step.sent - step.acked} not acked`
  if (step.delivered < step.expectedDeliveries * ALL)
    return `${step.expectedDeliveries - step.delivered} not delivered`
  if (!(step.ackMs.p99 <= P99_MS)) return `p99 of acks ${step.ackMs.p99.toFixed(0)} ms`
  if (!(step.deliveryMs.p99 <= P99_MS)) return `p99 of deliveries ${step.deliveryMs.p99.toFixed(0)} ms`
  return null
}

/**
 * Asks for one step after the other: raises the rate until it no longer holds, then halves the distance. A rate that fails is tried
 * once more: others use the machine too.
 */
export function* searchSustainedRate(search: Search): Generator<number, Sustained, StepResult> {
  const steps: Sustained['steps'][number][] = []
  let best: StepResult | null = null
  let lowestFailed = Number.POSITIVE_INFINITY
  let limitedByLoad = false
  let next = search.startPerSecond
  while (steps.length < search.stepsMax && lowestFailed > (best?.perSecond ?? 0) * search.precision) {
    let step = yield next
    if (failureOf(step) !== null) {
      steps.push(judged(step))
      step = yield next
    }
    steps.push(judged(step))
    if (failureOf(step) === null) {
      best = step
      next = Number.isFinite(lowestFailed) ? Math.sqrt(next * lowestFailed) : next * search.growth
    } else {
      lowestFailed = next
      limitedByLoad = step.loadCpu > LOAD_CPU_MAX
      next = best === null ? next / search.growth : Math.sqrt(best.perSecond * next)
    }
  }
  return { best, limitedByLoad, steps }
}

const judged = (step: StepResult): Sustained['steps'][number] => ({ ...step, failure: failureOf(step) })
