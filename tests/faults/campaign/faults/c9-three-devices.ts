import { isDeepStrictEqual } from 'node:util'
import type { Fault } from '../fault.js'
import type { Account } from '../workload/account.js'
import type { Device } from '../workload/device.js'
import { edit, remove } from '../workload/operations/changing.js'
import type { World } from '../world.js'

const PEOPLE = 5
const CHANGES = 40

/** Two devices of a user are there, the third one is away while messages come, are edited and are deleted. */
export const threeDevices: Fault = {
  name: 'C9',
  title: 'three devices of one user, one of them away for a long time',
  scale: `${PEOPLE} users`,
  schedule: (draw, { seconds }) =>
    Array.from({ length: PEOPLE }, (_, index) => ({
      // The last ones miss little, the first ones most.
      atMs: draw.between(0, 1_000) + (index * seconds * 1_000) / (2 * PEOPLE),
      forMs: (seconds * 1_000) / 2,
      act: 'away',
      target: `third device of user ${index}`,
    })),
  start(world) {
    const people = [...world.hotRoom.members].slice(0, PEOPLE)
    return {
      async prepare() {
        for (const account of people) await addTwo(world, account)
      },
      async inject({ target }) {
        const account = people[Number(target.split(' ').at(-1))] as Account
        const third = world.devices.of(account)[2] as Device
        await third.link.set({ is: 'down' })
        for (let change = 0; change < CHANGES / PEOPLE; change += 1)
          await Promise.all([world.operate(edit), world.operate(remove)])
        return async () => {
          await third.link.set({ is: 'up' })
        }
      },
      checks: async () => people.map((account) => compare(account, world.devices.of(account))),
    }
  },
}

async function addTwo({ devices, rooms }: World, account: Account): Promise<void> {
  for (let number = 0; number < 2; number += 1) {
    const device = await devices.add(account)
    for (const { id, members } of rooms) if (members.has(account)) await device.openRoom(id).ready()
  }
}

function compare({ name }: Account, devices: readonly Device[]) {
  const [first, ...others] = devices
  const compared = [...(first?.rooms.values() ?? [])].flatMap((room) =>
    others.map((other) => {
      const one = room.getSnapshot().messages
      const two = other.rooms.get(room.roomId)?.getSnapshot().messages ?? []
      // Each shows a room from some seq on: the third one may have begun anew, with a snapshot.
      const from = Math.max(one[0]?.seq ?? 0, two[0]?.seq ?? 0)
      const tail = (all: typeof one) => all.filter(({ seq }) => seq >= from)
      return isDeepStrictEqual(tail(one), tail(two))
        ? []
        : [`${first?.name} and ${other.name} show two versions of room ${room.roomId}`]
    }),
  )
  return {
    name: `the devices of ${name} show the same`,
    checked: compared.length,
    violations: [...(devices.length < 3 ? ['it has no three devices'] : []), ...compared.flat()],
  }
}
