import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRun, Step } from './fault.js'

export type StepWatch = {
  began(step: Step): void
  healed(step: Step): void
}

/** Does each step at its time, all of them side by side, and resolves when the last one is healed. */
export async function carryOut(steps: readonly Step[], run: FaultRun, watch: StepWatch): Promise<void> {
  const startedMs = performance.now()
  const results = await Promise.allSettled(
    steps.map(async (step) => {
      await sleep(Math.max(0, startedMs + step.atMs - performance.now()))
      watch.began(step)
      const heal = await run.inject(step)
      await sleep(step.forMs)
      await heal?.()
      watch.healed(step)
    }),
  )
  // Only when no step can touch the world any more.
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

export const describeStep = ({ atMs, forMs, act, target }: Step): string =>
  `${(atMs / 1_000).toFixed(1)} s: ${act} ${target}${forMs > 0 ? ` for ${(forMs / 1_000).toFixed(1)} s` : ''}`
