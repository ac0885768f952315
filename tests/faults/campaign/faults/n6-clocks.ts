import { setTimeout as sleep } from 'node:timers/promises'
import { shiftClock } from '../../nemesis/process-actions.js'
import { CLOCK_OFF_BY_MS } from '../../servers/commands.js'
import type { Check, Fault } from '../fault.js'
import type { Device } from '../workload/device.js'
import type { World } from '../world.js'
import { anInstance, rounds } from './rounds.js'
import { Turns } from './turns.js'

const HOUR_MS = 3_600_000
const APART_MS = 300_000
const EVERY_MS = 12_000
const OFF_FOR_MS = 1_000
/** For clients whose tokens such a clock refuses, to get new ones. */
const SETTLED_MS = 5_000
const SIGNS_IN_WITHIN_MS = 4_000

const signedOutAt = ({ devices }: World, name: string): readonly Device[] =>
  devices.all.filter(({ at, isSignedIn }) => at.name === name && !isSignedIn)

export const clockJumps: Fault = {
  name: 'N6-jump',
  title: 'the clock of an instance jumps an hour ahead, or back, and returns',
  schedule: (draw, scene) =>
    rounds(
      scene,
      EVERY_MS,
      (round) => ({
        forMs: OFF_FOR_MS,
        act: round % 2 === 0 ? '+1 h' : '-1 h',
        target: anInstance(draw, scene),
      }),
      2,
    ),
  start(world) {
    const turns = new Turns()
    let looked = 0
    const signedOut: string[] = []
    return {
      inject: ({ act, target }) =>
        turns.healed(async () => {
          const byMs = act.startsWith('+') ? HOUR_MS : -HOUR_MS
          const heal = await shiftClock(world.instance(target), { byMs })
          await sleep(SETTLED_MS)
          looked += world.devices.all.filter(({ at }) => at.name === target).length
          const first = signedOutAt(world, target)
          // The workload ends a login now and then, and signs in again.
          await sleep(SIGNS_IN_WITHIN_MS)
          for (const device of signedOutAt(world, target))
            if (first.includes(device)) signedOut.push(`${act}: ${device.name} was signed out`)
          return heal
        }),
      checks: async (): Promise<Check[]> => [
        { name: 'nobody is signed out by a clock', checked: looked, violations: signedOut },
      ],
    }
  },
}

export const clocksApart: Fault = {
  name: 'N6-apart',
  title: 'the clocks of two instances are 5 minutes apart all the time',
  topology: { variables: (index) => (index === 1 ? { [CLOCK_OFF_BY_MS]: String(APART_MS) } : {}) },
  schedule: () => [],
  start: () => ({ inject: async () => undefined }),
}
