import { randomUUID } from 'node:crypto'
import { isRedisInstalled, PrivateRedis } from '../../cluster/private-redis.js'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.js'
import { type HotReader, openHotReader } from '../composition/hot-readers.js'
import { populate } from '../composition/populate.js'
import { Bodies } from '../load/words.js'
import {
  AT_ONCE,
  KINDS,
  type Kind,
  type ReadingPlan,
  type ReadingResult,
  type ReadingRound,
  TIERS,
} from './protocol.js'

/** The process that reads, on one core with its databases. */
const MEMBERS = 20
const MESSAGES = 1_000
const WARM_UP_SHARE = 0.25

async function readHot(plan: ReadingPlan): Promise<ReadingResult> {
  const { dataDir, authSecret } = plan
  const bodies = new Bodies()
  const { people, roomIds } = await populate({
    dataDir,
    authSecret,
    people: MEMBERS,
    rooms: [Array.from({ length: MEMBERS }, (_, index) => index)],
    talk: [{ room: 0, texts: Array.from({ length: MESSAGES }, (_, index) => bodies.body(0, index)) }],
  })
  const roomId = roomIds[0] ?? ''
  const postgres = await startEmbeddedPostgres({ dataDir })
  const hasRedis = await isRedisInstalled()
  const redis = hasRedis ? await PrivateRedis.prepare() : null
  const redisProcess = redis?.launch()
  const readers: HotReader[] = []
  try {
    if (redis !== null && redisProcess !== undefined) await redis.serves(redisProcess)
    const stores = { databaseUrl: postgres.url, redisUrl: redis?.url ?? '', authSecret }
    for (const tier of TIERS)
      if (tier !== 'Redis' || hasRedis) readers.push(await openHotReader(tier, stores))
    // The sockets of a process that is none of the readers: their own they know without any store.
    const elsewhere = await openHotReader('Postgres', stores)
    readers.push(elsewhere)
    const sockets = people.map((actor) => ({ actor, socketId: randomUUID() }))
    for (const { actor, socketId } of sockets)
      await elsewhere.parley.registerUser.execute(actor, { socketId })
    const measured = readers.filter((reader) => reader !== elsewhere)
    for (const { tier, parley } of measured) if (tier !== 'Postgres') await parley.roomFeed.track(roomId)
    const read = (kind: Kind, { parley }: HotReader, turn: number) => {
      const { actor, socketId } = sockets[turn % MEMBERS] ?? {
        actor: { userId: '', loginId: null },
        socketId: '',
      }
      return kind === 'first page'
        ? parley.listMessages.execute(actor, { roomId })
        : parley.findUserBySocket.execute({ socketId })
    }
    const rounds: ReadingRound[] = []
    for (let round = 1; round <= plan.rounds; round += 1)
      for (const kind of KINDS)
        for (const atOnce of AT_ONCE)
          for (const reader of measured) {
            const once = (turn: number) => read(kind, reader, turn)
            await rate(once, atOnce, plan.measureMs * WARM_UP_SHARE)
            const perSecond = await rate(once, atOnce, plan.measureMs)
            rounds.push({ round, kind, atOnce, tier: reader.tier, perSecond })
          }
    return { rounds, hasRedis }
  } finally {
    for (const reader of readers) await reader.close()
    redisProcess?.kill()
    await postgres.stop()
  }
}

/** Reads that are answered a second, `atOnce` of them under way at any time. */
async function rate(
  read: (turn: number) => Promise<{ readonly ok: boolean }>,
  atOnce: number,
  forMs: number,
): Promise<number> {
  const startedMs = performance.now()
  let count = 0
  const go = async () => {
    while (performance.now() - startedMs < forMs) {
      const answer = await read(count)
      if (!answer.ok) throw new Error('a read was refused')
      count += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, go))
  return count / ((performance.now() - startedMs) / 1_000)
}

process.once('message', (plan) => {
  readHot(plan as ReadingPlan).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      process.exit(1)
    },
  )
})
