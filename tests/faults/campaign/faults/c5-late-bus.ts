import type { Fault } from '../fault.js'

const LATE_MS = 3_000
/** First bytes of messages of the Postgres protocol: a notification, and a statement that is prepared or run. */
const NOTIFICATION = 0x41
const PARSE = 0x50
const BIND = 0x42

/** What others committed reaches this instance by the sweep, and again, late, by the bus; what it tells arrives late elsewhere. */
export const lateBus: Fault = {
  name: 'C5',
  title: 'the bus of one instance is 3 s late, in both directions',
  topology: { postgresProxies: true },
  schedule: (draw, { processes, seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'delay the bus', target: `i${draw.between(1, processes)}` },
  ],
  start({ instance }) {
    const notices = { told: 0, heard: 0 }
    return {
      async inject({ target }) {
        const { toBus } = instance(target)
        if (toBus === null) throw new Error('there is no proxy')
        toBus.tapWith(() => (chunk, way) => {
          if (way === 'to-client' && chunk[0] === NOTIFICATION) notices.heard += 1
          if (way === 'to-target' && (chunk[0] === PARSE || chunk[0] === BIND)) notices.told += 1
          return 'pass'
        })
        await toBus.set({ is: 'slow', delayMs: LATE_MS })
        return async () => {
          toBus.tapWith(null)
          await toBus.set({ is: 'up' })
        }
      },
      checks: async () => [
        {
          name: 'notices that were late, by way',
          checked: Math.min(notices.told, notices.heard),
          violations: [],
          seen: `${notices.told} of the instance, ${notices.heard} to it`,
        },
      ],
    }
  },
}
