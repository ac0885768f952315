import type { Fault } from '../fault.js'
import { Stampede } from './stampede.js'

const READS = 1_000

/** Everybody asks for the newest page of one room at the same moment, at every instance; none of them has it in its newest state. */
export const stampede: Fault = {
  name: 'H2',
  title: 'a thousand reads of one room at once, right after a message',
  scale: `${READS} reads`,
  topology: { postgresProxies: true },
  schedule: (draw, { seconds }) =>
    [0.2, 0.6].map((share) => ({
      atMs: Math.round(share * seconds * 1_000) + draw.between(0, 500),
      forMs: 0,
      act: `${READS} reads`,
      target: 'a room of its own',
    })),
  start(world) {
    const crowd = new Stampede(world)
    return {
      prepare: () => crowd.prepare(),
      async inject() {
        await crowd.run(READS)
        return undefined
      },
      checks: async () => crowd.checks(),
    }
  },
}
