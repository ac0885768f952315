import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNs } from '../checker/history.js'
import type { FaultRun, Step } from './fault.js'

/** When a step was in force. */
export type InForce = { readonly startNs: number; readonly stopNs: number }

/** Does each step at its time, all of them side by side, and resolves when the last one is healed. */
export async function carryOut(
  steps: readonly Step[],
  run: FaultRun,
  onHealed: (step: Step, inForce: InForce) => void,
): Promise<void> {
  const startedMs = performance.now()
  const results = await Promise.allSettled(
    steps.map(async (step) => {
      await sleep(Math.max(0, startedMs + step.atMs - performance.now()))
      onHealed(step, await carryOutOne(step, run))
    }),
  )
  // Only when no step can touch the world any more.
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function carryOutOne(step: Step, run: FaultRun): Promise<InForce> {
  let startNs = monotonicNs()
  let stopNs: number | null = null
  const heal = await run.inject(step, {
    began() {
      startNs = monotonicNs()
    },
    over() {
      stopNs = monotonicNs()
    },
  })
  await sleep(step.forMs)
  await heal?.()
  return { startNs, stopNs: stopNs ?? monotonicNs() }
}

export const describeStep = ({ atMs, forMs, act, target }: Step): string =>
  `${(atMs / 1_000).toFixed(1)} s: ${act} ${target}${forMs > 0 ? ` for ${(forMs / 1_000).toFixed(1)} s` : ''}`
