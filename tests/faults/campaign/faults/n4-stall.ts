import { setTimeout as sleep } from 'node:timers/promises'
import { stall } from '../../nemesis/process-actions.js'
import type { Fault } from '../fault.js'
import { closeAll, lostOf, openProbes, type Probe } from './probe.js'
import { anInstance, rounds } from './rounds.js'

const STALL_MS = 5_000
const EVERY_MS = 10_000
const PROBES = 5

export const stalledLoop: Fault = {
  name: 'N4',
  title: 'the event loop of an instance stalls for 5 s',
  schedule: (draw, scene) =>
    rounds(scene, EVERY_MS, () => ({
      forMs: 0,
      act: `stall for ${STALL_MS / 1_000} s`,
      target: anInstance(draw, scene),
      suspends: ['L7', 'L10'],
    })),
  start(world) {
    let probes: Probe[] = []
    let lost: readonly string[] = []
    const stalls: number[] = []
    return {
      async prepare() {
        probes = await openProbes(world, PROBES)
      },
      async inject({ target }, moments) {
        const stalled = world.instance(target)
        moments.began()
        await stall(stalled, { ms: STALL_MS })
        await sleep(200)
        const startedMs = performance.now()
        await fetch(`${stalled.url}/livez`, { signal: AbortSignal.timeout(20_000) })
        stalls.push(performance.now() - startedMs)
        return undefined
      },
      async afterHeal() {
        lost = lostOf(probes)
        closeAll(probes)
      },
      async checks() {
        return [
          { name: 'no connection is lost', checked: probes.length, violations: lost },
          {
            name: 'stalls',
            checked: stalls.length,
            violations: stalls.filter((ms) => ms < STALL_MS / 2).map((ms) => `only ${Math.round(ms)} ms`),
            seen: stalls.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', '),
          },
        ]
      },
    }
  },
}
