import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.js'
import { Crowd } from './crowd.js'
import { transactionsSoFar } from './transactions.js'

const CROWD = { people: 50, tabsEach: 20, rooms: 10 }
const CLIENTS = CROWD.people * CROWD.tabsEach
const BACK_WITHIN_MS = 60_000
const LOST_WITHIN_MS = 200
/** Transactions of the database for one client that comes back, its rooms and its presence included. */
const PER_CLIENT = 12

export const reconnectStorm: Fault = {
  name: 'C2',
  title: 'all clients of a crowd lose their connections at once',
  scale: `${CLIENTS} clients`,
  readersPerRoom: 1,
  schedule: () => [{ atMs: 2_000, forMs: 0, act: 'reset all connections', target: 'crowd' }],
  start(world) {
    let crowd: Crowd | null = null
    let backMs: number | null = null
    let transactions = 0
    let kept: readonly string[] = []
    return {
      async prepare() {
        crowd = await Crowd.gather(world, CROWD)
      },
      async inject() {
        const before = await transactionsSoFar(world)
        const open = new Set(crowd?.devices.flatMap(({ connections }) => connections))
        for (const proxy of crowd?.proxies ?? []) proxy.cut()
        await sleep(LOST_WITHIN_MS)
        kept = (crowd?.devices ?? [])
          .filter((device) => device.connections.some((conn) => open.has(conn)))
          .map(({ name }) => name)
        backMs = (await crowd?.allBack(BACK_WITHIN_MS)) ?? null
        // Backends tell what they did within a second.
        await sleep(1_200)
        transactions = (await transactionsSoFar(world)) - before
        return undefined
      },
      async checks() {
        const seconds = (backMs ?? BACK_WITHIN_MS) / 1_000
        return [
          {
            name: 'clients lost their connections',
            checked: CLIENTS,
            violations: kept.map((name) => `${name} has kept its own`),
          },
          {
            name: 'clients back after the storm',
            checked: CLIENTS,
            violations: backMs === null ? [`${crowd?.waiting.length} are not, within ${seconds} s`] : [],
            seen: `after ${seconds.toFixed(1)} s`,
          },
          {
            name: 'transactions of the database meanwhile',
            checked: transactions,
            violations:
              transactions > PER_CLIENT * CLIENTS ? [`${transactions}, over ${PER_CLIENT} a client`] : [],
            seen: `${transactions}, ${Math.round(transactions / seconds)} a second`,
          },
        ]
      },
    }
  },
}
