import { eventually } from '../../../support/postgres-cluster.js'
import { tapCommits } from '../../nemesis/connection-actions.js'
import { endBackends, fateOf, gateCommits } from '../../nemesis/transaction-actions.js'
import type { Check, Fault, FaultRun } from '../fault.js'
import type { Instance, World } from '../world.js'
import { isStoredBy, messageIn } from './new-message.js'
import { anInstance, rounds } from './rounds.js'
import { Turns } from './turns.js'

const EVERY_MS = 7_000
const DOWN_MS = 1_500
const HIT_WITHIN_MS = 10_000
/** Of a sweep. */
const FOUND_WITHIN_MS = 5_000

/** Kills the instance at its point. Answers what went wrong with that: null where it was hit exactly. */
type Cut = (instance: Instance, kill: () => Promise<void>) => Promise<string | null>

type CutPoint = {
  readonly name: string
  readonly title: string
  readonly prepare: (world: World) => Promise<{ readonly cut: Cut; readonly end: () => Promise<void> }>
}

/** Its transaction has written the message; it is killed before that is committed, and the transaction is rolled back. */
const beforeCommit: CutPoint = {
  name: 'N1-before-commit',
  title: 'an instance is killed when a message is written and not committed',
  async prepare({ database }) {
    const gate = await gateCommits(database)
    const cut: Cut = async (instance, kill) => {
      const waiting = () => gate.waiting(instance.toPostgres?.portsToTarget ?? [])
      await gate.close()
      try {
        await eventually('a send is held', async () => (await waiting()).length > 0, HIT_WITHIN_MS)
        const held = await waiting()
        await kill()
        // Postgres would go on with what it has been sent, killed client or not.
        await endBackends(
          database,
          held.map(({ pid }) => pid),
        )
        const fates = await Promise.all(held.map(({ transaction }) => fateOf(database, transaction)))
        const stored = fates.filter((fate) => fate !== 'aborted')
        return held.length > 0 && stored.length === 0
          ? null
          : `${held.length} held, which ended ${fates.join()}`
      } finally {
        await gate.open()
      }
    }
    return { cut, end: gate.remove }
  },
}

/** Postgres has committed the message, and its answer is on the way; the instance is killed without having read it. */
const beforeAck: CutPoint = {
  name: 'N1-before-ack',
  title: 'an instance is killed when a message is committed and not acked',
  async prepare({ database: { sql } }) {
    const cut: Cut = async (instance, kill) => {
      const { toPostgres } = instance
      if (toPostgres === null) throw new Error('there is no proxy')
      let committed: string | null = null
      const heal = tapCommits(toPostgres, {
        storedBy: messageIn,
        verdict(stored, answer) {
          if (committed === null && !isStoredBy(answer, stored)) return 'pass'
          committed ??= stored
          return 'keep'
        },
      })
      await eventually('a commit is held', () => committed !== null, HIT_WITHIN_MS)
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from messages where text = ${`canary-${committed}`}`
      await kill()
      await heal()
      return row?.count === 1 ? null : `${committed} was not committed`
    }
    return { cut, end: async () => undefined }
  },
}

/** The ack of a message to a room, with the message's id. */
const ackIn = (roomId: string) =>
  new RegExp(`"status":"delivered","message":\\{"id":"([\\da-f-]{36})","roomId":"${roomId}"`)

/** Nothing that the instance tells others arrives any more; it is killed at the moment of an ack that no sweep was faster than. */
const beforePush: CutPoint = {
  name: 'N1-before-push',
  title: 'an instance is killed when a message is acked and no other instance has been told',
  async prepare({ devices, hotRoom }) {
    // Everybody is in that room, so others will be told.
    const ack = ackIn(hotRoom.id)
    const cut: Cut = async (instance, kill) => {
      const { toBus } = instance
      if (toBus === null) throw new Error('there is no proxy')
      await toBus.set({ is: 'frozen' })
      const here = devices.all.filter(({ at }) => at === instance)
      const elsewhere = devices.all.filter(({ at }) => at !== instance)
      const told = new Told()
      for (const device of elsewhere) device.tapLinks(() => told.tap)
      let killing: Promise<void> | null = null
      let acked: string | null = null
      for (const device of here)
        device.tapLinks(() => (chunk, way) => {
          if (killing !== null || way !== 'to-client') return 'pass'
          const [, id] = ack.exec(chunk.toString('latin1')) ?? []
          if (id === undefined || told.of(id)) return 'pass'
          acked = id
          killing = kill()
          return 'pass'
        })
      await eventually('an ack has passed', () => killing !== null, HIT_WITHIN_MS)
      await killing
      for (const device of here) device.tapLinks(null)
      // What was held back on the way to the others died with the process.
      toBus.cut()
      await toBus.set({ is: 'up' })
      const isFound = () => told.of(acked ?? '')
      const found = eventually('others are told after all', isFound, FOUND_WITHIN_MS)
      const isTold = await found.then(
        () => true,
        () => false,
      )
      for (const device of elsewhere) device.tapLinks(null)
      return isTold ? null : `${acked} was never pushed by another instance`
    }
    return { cut, end: async () => undefined }
  },
}

/** What clients of other instances have been sent. */
class Told {
  private readonly chunks: string[] = []

  readonly tap = (chunk: Buffer, way: string): 'pass' => {
    if (way === 'to-client') this.chunks.push(chunk.toString('latin1'))
    return 'pass'
  }

  of(messageId: string): boolean {
    return this.chunks.some((chunk) => chunk.includes(messageId))
  }
}

function faultOf({ name, title, prepare }: CutPoint): Fault {
  return {
    name,
    title,
    topology: { postgresProxies: true },
    schedule: (draw, scene) =>
      rounds(scene, EVERY_MS, () => ({
        forMs: DOWN_MS,
        act: `kill ${name.slice('N1-'.length).replace('-', ' ')}`,
        target: anInstance(draw, scene),
        kills: true,
      })),
    start: (world) => runOf(world, prepare),
  }
}

function runOf(world: World, prepare: CutPoint['prepare']): FaultRun {
  const misses: string[] = []
  let hits = 0
  let point: Awaited<ReturnType<CutPoint['prepare']>> | null = null
  const turns = new Turns()
  return {
    async prepare() {
      point = await prepare(world)
    },
    inject: ({ target }, moments) =>
      turns.healed(async () => {
        const instance = world.instance(target)
        const miss = await point?.cut(instance, () => {
          moments.began()
          return instance.kill()
        })
        if (miss === null) hits += 1
        else misses.push(`${target}: ${miss}`)
        return () => instance.start()
      }),
    afterHeal: async () => await point?.end(),
    checks: async (): Promise<Check[]> => [
      { name: 'kills exactly there', checked: hits + misses.length, violations: misses, seen: String(hits) },
    ],
  }
}

export const killedBeforeCommit = faultOf(beforeCommit)
export const killedBeforeAck = faultOf(beforeAck)
export const killedBeforePush = faultOf(beforePush)
