import { limitFiles } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import { inGroups, type RoomRecord } from '../workload/rooms.js'
import type { Instance, World } from '../world.js'
import { closeAll, lostOf, openProbes, Probe } from './probe.js'
import { anInstance, rounds } from './rounds.js'

const EVERY_MS = 10_000
const LIMITED_MS = 7_000
const SPARE = 4
const KEPT = 5
const TRIES = 20

export const fileLimit: Fault = {
  name: 'N7',
  title: 'an instance has no file descriptors left',
  scale: `${SPARE} left, ${TRIES} connections tried`,
  schedule: (draw, scene) =>
    rounds(scene, EVERY_MS, () => ({
      forMs: LIMITED_MS,
      act: 'limit descriptors',
      target: anInstance(draw, scene),
    })),
  start(world) {
    const existing = { checked: 0, violations: [] as string[] }
    let refused = 0
    let tried = 0
    return {
      async inject({ target }) {
        const at = world.instance(target)
        const kept = await openProbes(world, KEPT, { at: [at] })
        const doors = await signInElsewhere(world, target)
        const heal = await limitFiles(at, { spare: SPARE })
        const tries = doors.map(({ room, login }) => Probe.open(world, room, at, login).catch(() => null))
        const opened = (await Promise.all(tries)).filter((probe) => probe !== null)
        tried += TRIES
        refused += TRIES - opened.length
        const outcomes = await Promise.all(kept.map((probe) => probe.send()))
        existing.checked += kept.length
        existing.violations.push(...lostOf(kept))
        for (const outcome of outcomes)
          if (outcome.is !== 'ok')
            existing.violations.push(`a send of an open connection got ${outcome.code}`)
        return async () => {
          await heal()
          closeAll([...kept, ...opened])
        }
      },
      checks: async (): Promise<Check[]> => [
        { name: 'existing connections continue', ...existing },
        {
          name: 'new connections are not accepted meanwhile',
          checked: refused,
          violations: [],
          seen: `${refused} of ${tried} refused`,
        },
      ],
    }
  },
}

/** So that what is refused afterwards is the connection. */
async function signInElsewhere({ instances, rooms }: World, target: string) {
  const other = instances.find(({ name }) => name !== target) as Instance
  const some = Array.from({ length: TRIES }, (_, index) => rooms[index % rooms.length] as RoomRecord)
  return await inGroups(some, 4, async (room) => ({ room, login: await Probe.signIn(room, other) }))
}
