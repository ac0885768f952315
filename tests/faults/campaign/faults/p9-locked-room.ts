import { setTimeout as sleep } from 'node:timers/promises'
import { lockRoomRow } from '../../nemesis/transaction-actions.js'
import type { Check, Fault } from '../fault.js'
import type { World } from '../world.js'
import { asFast } from './as-fast.js'
import { closeAll, openProbes, type Probe } from './probe.js'
import { rounds } from './rounds.js'

const SENDERS = 100
const CONNECTIONS = 20
const EVERY_MS = 8_000
const LOCKED_MS = 3_000
const SEND_EVERY_MS = 50

/** A hundred sends are under way in one room at any time; now and then somebody else holds its row. */
export const lockedRoom: Fault = {
  name: 'P9',
  title: 'the row of a hot room is held while 100 senders send to it without a pause',
  scale: `${SENDERS} senders on ${CONNECTIONS} connections`,
  workload: { operationsPerSecond: 20 },
  schedule: (_draw, scene) =>
    rounds(scene, EVERY_MS, () => ({
      forMs: LOCKED_MS,
      act: 'lock the hot room',
      target: 'postgres',
    })).map((step) => ({ ...step, atMs: step.atMs + EVERY_MS - LOCKED_MS })),
  start(world) {
    const load = new HotLoad(world)
    return {
      prepare: () => load.start(),
      async inject() {
        const unlock = await lockRoomRow(world.database, { roomId: world.hotRoom.id })
        load.isLocked = true
        return async () => {
          load.isLocked = false
          await unlock()
        }
      },
      afterHeal: () => load.stop(),
      checks: async () => load.checks(),
    }
  },
}

class HotLoad {
  isLocked = false
  private isOver = false
  private hotAcks = 0
  private readonly others = {
    free: { tookMs: [] as number[], refused: [] as string[] },
    locked: { tookMs: [] as number[], refused: [] as string[] },
  }
  private probes: Probe[] = []
  private work: Promise<unknown> = Promise.resolve()

  constructor(private readonly world: World) {}

  async start(): Promise<void> {
    const { world } = this
    const { instances, hotRoom, rooms } = world
    const hot = await openProbes(world, CONNECTIONS / instances.length, { rooms: [hotRoom] })
    const others = await openProbes(world, 2, { rooms: rooms.filter((room) => room !== hotRoom) })
    this.probes = [...hot, ...others]
    this.work = Promise.all([
      ...Array.from({ length: SENDERS }, (_, sender) => this.sendHot(hot[sender % hot.length] as Probe)),
      ...others.map((probe) => this.measure(probe)),
    ])
  }

  async stop(): Promise<void> {
    this.isOver = true
    await this.work
    closeAll(this.probes)
  }

  checks(): Check[] {
    const { free, locked } = this.others
    return [
      asFast('other rooms are as fast while the row is held', free, locked),
      { name: 'acks in the hot room', checked: this.hotAcks, violations: [], seen: String(this.hotAcks) },
    ]
  }

  private async sendHot(probe: Probe): Promise<void> {
    while (!this.isOver && probe.isOpen) {
      const { is } = await probe.send()
      if (is === 'ok') this.hotAcks += 1
      else await sleep(SEND_EVERY_MS)
    }
  }

  private async measure(probe: Probe): Promise<void> {
    while (!this.isOver && probe.isOpen) {
      const wasLocked = this.isLocked
      const seen = this.others[wasLocked ? 'locked' : 'free']
      const outcome = await probe.send()
      if (outcome.is !== 'ok') seen.refused.push(`a send to another room got ${outcome.code}`)
      // One that was under way when that changed belongs to neither.
      else if (wasLocked === this.isLocked) seen.tookMs.push(outcome.endedMs - outcome.startedMs)
      await sleep(SEND_EVERY_MS)
    }
  }
}
