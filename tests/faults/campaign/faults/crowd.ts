import { setTimeout as sleep } from 'node:timers/promises'
import type { TcpProxy } from '../../nemesis/tcp-proxy.js'
import type { Account } from '../workload/account.js'
import type { Device } from '../workload/device.js'
import { createRoom, inGroups, inviteAll, type RoomRecord } from '../workload/rooms.js'
import type { Instance, World } from '../world.js'

export type CrowdSetup = {
  readonly people: number
  /** Tabs of one browser, with one login. */
  readonly tabsEach: number
  readonly rooms: number
}

/** Many more clients than the workload has, in rooms of their own, behind proxies that they share: one an instance. */
export class Crowd {
  private constructor(
    readonly devices: readonly Device[],
    readonly rooms: readonly RoomRecord[],
    private readonly links: ReadonlyMap<string, TcpProxy>,
  ) {}

  static async gather(world: World, { people, tabsEach, rooms: roomCount }: CrowdSetup): Promise<Crowd> {
    const links = await world.devices.sharedLinks()
    const accounts = await world.devices.signUp(people, 'crowd')
    const rooms = await inGroups(Array.from({ length: roomCount }), 4, (_, index) =>
      openRoom(
        world,
        accounts.filter((_account, number) => number % roomCount === index),
        index,
      ),
    )
    const devices = await inGroups(accounts, 4, (account) => openTabs(world, account, tabsEach, links))
    const crowd = new Crowd(devices.flat(), rooms, links)
    await Promise.all(
      rooms.flatMap(({ id, members }) =>
        [...members].flatMap((account) =>
          world.devices.of(account).map((device) => device.openRoom(id).ready()),
        ),
      ),
    )
    return crowd
  }

  /** Of all its connections. */
  get proxies(): readonly TcpProxy[] {
    return [...this.links.values()]
  }

  get waiting(): readonly Device[] {
    return this.devices.filter(
      (device) =>
        !device.isOnline || [...device.rooms.values()].some((room) => room.getSnapshot().status !== 'live'),
    )
  }

  /** In ms, or null where somebody is not back by then. */
  async allBack(withinMs: number): Promise<number | null> {
    const startedMs = performance.now()
    while (this.waiting.length > 0) {
      if (performance.now() - startedMs > withinMs) return null
      await sleep(50)
    }
    return performance.now() - startedMs
  }
}

async function openRoom(world: World, members: readonly Account[], index: number): Promise<RoomRecord> {
  const [owner, ...guests] = members
  if (owner === undefined) throw new Error('a room of the crowd has nobody')
  const at = world.instances[index % world.instances.length] as Instance
  const id = await createRoom(world.writer, owner, at, `crowd ${index}`)
  const room: RoomRecord = { id, heat: 'cold', owner, members: new Set([owner]), former: new Set() }
  await inviteAll(world.writer, room, guests, world.instances)
  world.addRoom(room)
  return room
}

async function openTabs(
  world: World,
  account: Account,
  count: number,
  links: ReadonlyMap<string, TcpProxy>,
): Promise<readonly Device[]> {
  const first = await world.devices.add(account, { links })
  for (let tab = 1; tab < count; tab += 1) await world.devices.add(account, { links, tabOf: first })
  return world.devices.of(account)
}
