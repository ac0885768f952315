import type { Fault } from '../fault.js'

const LATE_MS = 3_000

/** What others committed reaches this instance by the sweep, and again, late, by the bus; what it tells arrives late elsewhere. */
export const lateBus: Fault = {
  name: 'C5',
  title: 'the bus of one instance is 3 s late, in both directions',
  topology: { postgresProxies: true },
  schedule: (draw, { processes, seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'delay the bus', target: `i${draw.between(1, processes)}` },
  ],
  start: ({ instance }) => ({
    async inject({ target }) {
      const { toBus } = instance(target)
      await toBus?.set({ is: 'slow', delayMs: LATE_MS })
      return async () => await toBus?.set({ is: 'up' })
    },
  }),
}
