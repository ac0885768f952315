import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { migrate } from '../../adapters/postgres/index.js'
import manifest from '../../package.json' with { type: 'json' }
import { eventually } from '../contracts/eventually.js'
import { testDatabase } from '../support/postgres.js'
import { describeWithRedis, RedisServer } from '../support/redis.js'
import { type Conversation, compile, converse, installed, pack, scratchProject } from './packed.js'

type Told = {
  readonly texts: readonly string[]
  readonly isFound: boolean
  readonly states: readonly ('primary' | 'fallback')[]
  readonly tookMs: number
}

const { ioredis, postgres } = manifest.peerDependencies

describeWithRedis('a service that embeds the use cases on Redis with another store behind it', () => {
  it('sends and lists while Redis dies and returns, and only its adapters tell of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-embedding-'))
    const [database, redis] = await Promise.all([testDatabase(), RedisServer.start()])
    let service: Conversation | null = null
    const sent: string[] = []
    const say = async (text: string): Promise<Told> => {
      sent.push(text)
      const told = JSON.parse((await service?.ask(text)) ?? 'null') as Told
      expect(told.texts).toEqual(sent.slice(-50))
      expect(told.isFound).toBe(true)
      expect(told.tookMs).toBeLessThan(5_000)
      return told
    }
    const untilAll = (state: Told['states'][number]) =>
      eventually(`all adapters to be on their ${state}`, async () => {
        // No faster than one person may send.
        await sleep(500)
        const { states } = await say(`message-${sent.length + 1}`)
        return states.every((each) => each === state)
      })
    try {
      await migrate(database.url)
      const packages = [`ioredis@${ioredis}`, `postgres@${postgres}`]
      const project = await scratchProject(folder, (await pack(folder)).tarball, packages, 'failover.ts')
      expect(await installed(project)).toEqual(expect.arrayContaining(['ioredis', 'parley', 'postgres']))
      await compile(project)
      service = converse(project, { EMBEDDER_DATABASE_URL: database.url, EMBEDDER_REDIS_URL: redis.url })
      await untilAll('primary')
      await redis.kill()
      await untilAll('fallback')
      await redis.restart()
      await untilAll('primary')
      redis.freeze()
      await untilAll('fallback')
      redis.thaw()
      await untilAll('primary')
    } finally {
      const end = await service?.end()
      await redis.stop()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
      expect(end).toEqual({ code: 0, complaints: '' })
    }
  })
})
