import type { Fault } from '../fault.js'

const MOVES_PER_SECOND = 2

/** Each connection begins with polling and is upgraded while it is used; each one is at another instance than the last. */
export const movingClients: Fault = {
  name: 'C7',
  title: 'clients change the instance at each reconnect, and go from polling to WebSocket',
  scale: `${MOVES_PER_SECOND} moves a second`,
  workload: { transports: ['polling', 'websocket'] },
  schedule: (draw, { seconds, processes }) =>
    Array.from({ length: seconds * MOVES_PER_SECOND }, (_, index) => ({
      atMs: (index * 1_000) / MOVES_PER_SECOND,
      forMs: 0,
      act: `move by ${draw.between(1, processes - 1)}`,
      target: `d${draw.between(1, 20)}`,
    })),
  start: ({ device, instances }) => ({
    async inject({ act, target }) {
      const moving = device(target)
      const by = Number(act.split(' ').at(-1))
      const next = instances[(moving.at.index + by) % instances.length]
      if (next !== undefined) moving.moveTo(next)
      return undefined
    },
  }),
}
