import { setTimeout as sleep } from 'node:timers/promises'
import type { Check, Fault } from '../fault.js'
import type { Device } from '../workload/device.js'
import { type Json, tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'

const DEVICES = 6
/** The second half stays away for so long that a ghost of theirs is against L10 while they are still away. */
const GONE_MS = { first: 60_000, second: 100_000 }
const LOOK_EVERY_MS = 1_000

/** The network of some devices goes: no FIN, no RST reaches the server, and nothing of theirs gets through until it is back. */
export const halfOpen: Fault = {
  name: 'C6',
  title: 'mobile devices vanish without a goodbye and come back after a minute, or later',
  scale: `${DEVICES} of 20 devices, half of them for 60 s and half for 100 s`,
  schedule: (draw, { people }) =>
    draw
      .shuffled(Array.from({ length: people }, (_, index) => `d${index + 1}`))
      .slice(0, DEVICES)
      .map((target, index) => ({
        atMs: index * 300,
        forMs: index < DEVICES / 2 ? GONE_MS.first : GONE_MS.second,
        act: 'half-open',
        target,
        // The bounds of what it saw itself: it is this client alone.
        suspends: ['L7', 'L10'],
        kills: true,
      })),
  start(world) {
    const absences: Absence[] = []
    return {
      async inject({ target, forMs }, moments) {
        moments.began()
        const absence = await Absence.begin(world, world.device(target), forMs)
        absences.push(absence)
        return () => absence.end()
      },
      checks: async () => [stayedAway(absences), shownAsGone(absences), caughtUp(world, absences)],
    }
  },
}

class Absence {
  /** By instance: how long after it vanished its user was first shown as offline there. */
  readonly goneMs = new Map<string, number>()
  wasOnline = false
  /** Of the room in which everybody is. */
  readonly headBefore: number
  headAfter = 0
  private isOver = false
  private watching: Promise<unknown> = Promise.resolve()

  private constructor(
    readonly world: World,
    readonly device: Device,
    readonly forMs: number,
  ) {
    this.headBefore = device.headOf(world.hotRoom.id)
  }

  static async begin(world: World, device: Device, forMs: number): Promise<Absence> {
    const absence = new Absence(world, device, forMs)
    await device.vanish()
    const sinceMs = performance.now()
    absence.watching = Promise.all(world.instances.map((at) => absence.watch(at, sinceMs)))
    return absence
  }

  async end(): Promise<void> {
    this.isOver = true
    await this.watching
    this.headAfter = Math.max(...this.world.devices.all.map((each) => each.headOf(this.world.hotRoom.id)))
    await this.device.comeBack()
  }

  private async watch(at: Instance, sinceMs: number): Promise<void> {
    const { device } = this
    // What it was told before it vanished may still be on its way to the client.
    await sleep(LOOK_EVERY_MS)
    while (!this.isOver) {
      this.wasOnline ||= device.isOnline
      if (!this.goneMs.has(at.name) && (await this.isShownAsGone(at)))
        this.goneMs.set(at.name, performance.now() - sinceMs)
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** The look is in the history too, where its time is judged. */
  private async isShownAsGone(at: Instance): Promise<boolean> {
    const { writer, rooms } = this.world
    const seenIn = roomThatShows(rooms, this.device.account)
    if (seenIn === undefined) return false
    const { owner, id } = seenIn
    const shown = await tryHttp(writer, at, {
      caller: owner.caller(at),
      request: { f: 'presence', room: id },
      route: `GET /rooms/${id}/presence`,
      token: owner.login.accessToken,
    })
    return shown.is === 'ok' && stateOf(shown.data, this.device.account.userId) === 'offline'
  }
}

/** A room shows who of its present members is there; somebody may be removed from one while they are away. */
export const roomThatShows = <Member, Room extends { readonly members: ReadonlySet<Member> }>(
  rooms: readonly Room[],
  account: Member,
): Room | undefined => rooms.find(({ members }) => members.has(account))

function stateOf(data: Json, userId: string): string | undefined {
  const members = data.members as readonly { readonly userId: string; readonly state: string }[]
  return members.find((member) => member.userId === userId)?.state
}

const stayedAway = (absences: readonly Absence[]): Check => ({
  name: 'who has vanished stays away',
  checked: absences.length,
  violations: absences.flatMap(({ device, wasOnline }) =>
    wasOnline ? [`${device.name} was online meanwhile`] : [],
  ),
})

/** Those who come back after a minute may be too early for it. */
function shownAsGone(absences: readonly Absence[]): Check {
  const long = absences.filter(({ forMs }) => forMs === GONE_MS.second)
  const seenMs = absences.flatMap(({ goneMs }) => [...goneMs.values()])
  return {
    name: 'who stays away is shown as gone by every instance',
    checked: long.length,
    violations: long.flatMap(({ device, goneMs, world }) =>
      world.instances.flatMap(({ name }) =>
        goneMs.has(name) ? [] : [`${name} never showed it of ${device.name}`],
      ),
    ),
    seen: `after ${(Math.min(...seenMs) / 1_000).toFixed(1)} s to ${(Math.max(...seenMs) / 1_000).toFixed(1)} s`,
  }
}

/** That it is exactly that is judged by the checker (L4); here, that there was something to catch up with. */
function caughtUp({ hotRoom: { id } }: World, absences: readonly Absence[]): Check {
  const present = absences.filter(({ device }) => device.rooms.has(id))
  const missed = present.reduce((sum, { headBefore, headAfter }) => sum + (headAfter - headBefore), 0)
  return {
    name: 'events of the hot room that they have missed and then have',
    checked: missed,
    violations: present.flatMap(({ device, headAfter }) =>
      device.headOf(id) >= headAfter ? [] : [`${device.name} is at ${device.headOf(id)} of ${headAfter}`],
    ),
    seen: String(missed),
  }
}
