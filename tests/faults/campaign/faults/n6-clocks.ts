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

/** That pages and pushes go by seq all the same is judged by the checker (L3, L11); here, that there was something to get wrong. */
export const clocksApart: Fault = {
  name: 'N6-apart',
  title: 'the clocks of two instances are 5 minutes apart all the time',
  topology: { variables: (index) => (index === 1 ? { [CLOCK_OFF_BY_MS]: String(APART_MS) } : {}) },
  schedule: () => [],
  start: (world) => ({
    inject: async () => undefined,
    checks: async () => [await backwards(world), await honoured(world)],
  }),
}

/** Messages that are dated minutes after the next one of their room. */
async function backwards({ database: { sql } }: World): Promise<Check> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from (
      select created_at_ms - lead(created_at_ms) over (partition by room_id order by seq) as back_by_ms from messages
    ) as dated where back_by_ms > ${APART_MS / 2}`
  const count = row?.count ?? 0
  return { name: 'messages dated after the next one', checked: count, violations: [], seen: String(count) }
}

/** A login of each instance, by its clock new or made in the future, at each other one. */
async function honoured({ instances, hotRoom: { owner, id } }: World): Promise<Check> {
  const violations: string[] = []
  let checked = 0
  for (const from of instances) {
    const login = await owner.signIn(from)
    for (const at of instances.filter((other) => other !== from)) {
      const headers = { authorization: `Bearer ${login?.accessToken}` }
      const { status } = await fetch(`${at.url}/api/v1/rooms/${id}`, { headers })
      checked += 1
      if (status !== 200) violations.push(`one of ${from.name} at ${at.name}: ${status}`)
    }
  }
  return { name: 'logins of one clock are honoured by the other', checked, violations }
}
