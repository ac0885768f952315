import { limitFiles } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import type { World } from '../world.js'
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
      suspends: ['L7', 'L10'],
    })),
  start(world) {
    const existing = { checked: 0, violations: [] as string[] }
    let refused = 0
    let tried = 0
    return {
      async inject({ target }) {
        const at = world.instance(target)
        const kept = await openProbes(world, KEPT, { at: [at] })
        const heal = await limitFiles(at, { spare: SPARE })
        const opened = await tryToConnect(world, target)
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

async function tryToConnect(world: World, target: string): Promise<Probe[]> {
  const tries = Array.from({ length: TRIES }, (_, index) => {
    const room = world.rooms[index % world.rooms.length] ?? world.hotRoom
    // The login is made elsewhere: what is scarce is needed for the connection.
    return Probe.open(world, room, world.instance(target), otherThan(world, target)).catch(() => null)
  })
  return (await Promise.all(tries)).filter((probe) => probe !== null)
}

const otherThan = ({ instances }: World, name: string) => instances.find((instance) => instance.name !== name)
