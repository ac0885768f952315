import type { Fault } from '../fault.js'

const MOVES_PER_SECOND = 2
/** Lines of requests as engine.io makes them; the handshake, which is no upgrade, has no `sid`. */
const UPGRADE = 'GET /socket.io/?EIO=4&transport=websocket&sid='
const PACKETS = 'POST /socket.io/?EIO=4&transport=polling'

/** Each connection begins with polling and is upgraded while it is used; each one is at another instance than the last. */
export const movingClients: Fault = {
  name: 'C7',
  title: 'clients change the instance at each reconnect, and go from polling to WebSocket',
  scale: `${MOVES_PER_SECOND} moves a second`,
  workload: { transports: ['polling', 'websocket'] },
  schedule: (draw, { seconds, processes, people }) =>
    Array.from({ length: seconds * MOVES_PER_SECOND }, (_, index) => ({
      atMs: (index * 1_000) / MOVES_PER_SECOND,
      forMs: 0,
      act: `move by ${draw.between(1, processes - 1)}`,
      target: `d${draw.between(1, people)}`,
    })),
  start({ device, devices, instances }) {
    const seen = { polls: 0, upgrades: 0 }
    const tap = () => (chunk: Buffer, way: string) => {
      if (way === 'to-target' && chunk.includes(UPGRADE)) seen.upgrades += 1
      if (way === 'to-target' && chunk.includes(PACKETS)) seen.polls += 1
      return 'pass' as const
    }
    return {
      async prepare() {
        for (const each of devices.all) each.tapLinks(tap)
      },
      async inject({ act, target }) {
        const moving = device(target)
        const by = Number(act.split(' ').at(-1))
        const next = instances[(moving.at.index + by) % instances.length]
        if (next !== undefined) moving.moveTo(next)
        return undefined
      },
      checks: async () => [
        {
          name: 'connections upgraded from polling, after packets had been sent that way',
          checked: Math.min(seen.upgrades, seen.polls),
          violations: [],
          seen: `${seen.upgrades} upgrades, ${seen.polls} times packets before`,
        },
      ],
    }
  },
}
