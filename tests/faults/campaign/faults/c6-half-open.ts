import type { Fault } from '../fault.js'

const DEVICES = 6
const GONE_MS = 60_000

/** The network of some devices goes: no FIN, no RST reaches the server, and nothing of theirs gets through until it is back. */
export const halfOpen: Fault = {
  name: 'C6',
  title: 'mobile devices vanish without a goodbye and come back after a minute',
  scale: `${DEVICES} of 20 devices, 60 s`,
  schedule: (draw, _scene) =>
    draw
      .shuffled(Array.from({ length: 20 }, (_, index) => `d${index + 1}`))
      .slice(0, DEVICES)
      .map((target, index) => ({
        atMs: index * 300,
        forMs: GONE_MS,
        act: 'half-open',
        target,
        suspends: ['L7', 'L10'],
        kills: true,
      })),
  start: ({ device }) => ({
    async inject({ target }) {
      const gone = device(target)
      const { link } = gone
      await link.set({ is: 'half-open' })
      await link.set({ is: 'frozen' })
      return async () => {
        await link.set({ is: 'up' })
      }
    },
  }),
}
