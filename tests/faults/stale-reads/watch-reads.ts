import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../../adapters/memory/index.js'
import { RedisServer } from '../../support/redis-server.js'
import { killRedis, openAdmin, takeSnapshot, untilRedisAnswers } from '../nemesis/redis-actions.js'
import { openReadingProcess, type ReadingProcess } from './reading-process.js'
import { RoomUnderWatch } from './room-under-watch.js'

export type WatchOptions = {
  /** Of a migrated Postgres. */
  readonly databaseUrl: string
  /** Reads to judge. */
  readonly reads: number
  readonly seed: number
}

export type WatchReport = {
  readonly reads: number
  readonly writes: number
  /** How often Redis died and came back with what it had held before. */
  readonly returns: number
  readonly stale: number
  /** The first few. */
  readonly witnesses: readonly string[]
  /** Of all processes together. */
  readonly answers: ReturnType<ReadingProcess['counts']>
}

const ROOMS = 4
/** Of a room, after each of its writes. */
const READS_A_WRITE = 40
const WITNESSES_MAX = 5
/** From a snapshot to the death, from that to the return, and from that to the next snapshot. */
const AGES_MS = 1_500
const AWAY_MS = 700
const BACK_MS = 2_000

/**
 * Writes on one process and reads on another, with the acked seq, while Redis dies and returns with an old snapshot again and
 * again. Two processes remember in memory and in Redis, a third in Redis alone.
 */
export async function watchReads(options: WatchOptions): Promise<WatchReport> {
  const { databaseUrl, seed } = options
  const next = seededRandom(seed)
  const random = () => next() / 2 ** 32
  const server = await RedisServer.start()
  const client = openAdmin(server)
  const authSecret = randomBytes(48).toString('base64url')
  const processes: ReadingProcess[] = []
  try {
    for (const hasMemory of [true, true, false])
      processes.push(await openReadingProcess({ databaseUrl, redisUrl: server.url, authSecret, hasMemory }))
    const parleys = processes.map(({ parley }) => parley)
    const rooms = await Promise.all(
      Array.from({ length: ROOMS }, () => RoomUnderWatch.open(pick(parleys, random), random)),
    )
    await Promise.all(rooms.flatMap((room) => parleys.map((parley) => room.follow(parley))))
    const tally = { reads: 0, writes: 0, returns: 0, stale: 0, witnesses: [] as string[] }
    let done = false
    const watch = async (room: RoomUnderWatch) => {
      while (tally.reads < options.reads) {
        await room.write(pick(parleys, random))
        tally.writes += 1
        const answers = await Promise.all(
          Array.from({ length: READS_A_WRITE }, () => room.read(pick(parleys, random))),
        )
        tally.reads += answers.length
        for (const wrong of answers) {
          if (wrong === null) continue
          tally.stale += 1
          if (tally.witnesses.length < WITNESSES_MAX) tally.witnesses.push(wrong)
        }
      }
    }
    const age = async () => {
      const target = { server, client }
      while (!done) {
        const snapshot = await takeSnapshot(target)
        await sleep(AGES_MS)
        const heal = await killRedis(target, snapshot)
        await sleep(AWAY_MS)
        await heal()
        await untilRedisAnswers(target)
        tally.returns += 1
        await snapshot.remove()
        await sleep(BACK_MS)
      }
    }
    const ageing = age()
    await Promise.all(rooms.map(watch)).finally(() => {
      done = true
    })
    await ageing
    return { ...tally, answers: sumOf(processes) }
  } finally {
    for (const each of processes) await each.close()
    client.disconnect()
    await server.stop()
  }
}

const pick = <T>(all: readonly T[], random: () => number): T => all[Math.floor(random() * all.length)] as T

function sumOf(processes: readonly ReadingProcess[]): WatchReport['answers'] {
  const sum = { memory: 0, redis: 0, staleRefused: 0, switches: 0 }
  for (const { counts } of processes) {
    const own = counts()
    for (const name of ['memory', 'redis', 'staleRefused', 'switches'] as const) sum[name] += own[name]
  }
  return sum
}
