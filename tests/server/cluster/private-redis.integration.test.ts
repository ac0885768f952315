import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { KeptProcess } from '../../../apps/cluster/kept-process.js'
import { PrivateRedis } from '../../../apps/cluster/private-redis.js'
import { alive } from '../../support/cluster-process.js'
import { type CompiledProgram, compileProgram } from '../../support/compiled.js'
import { until } from '../../support/person.js'
import { describeWithRedis } from '../../support/redis.js'

const undo: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

/** A Redis that is kept running, with the pid of each start. */
async function keptRedis() {
  const redis = await PrivateRedis.prepare()
  const pids: number[] = []
  const lines: string[] = []
  const kept = new KeptProcess({
    name: 'Redis',
    launch: () => redis.launch(),
    serves: (child) => redis.serves(child),
    onUp: (_address, pid) => pids.push(pid),
    onDown: () => undefined,
    say: (line) => lines.push(line),
  })
  undo.push(() => kept.stop(2_000))
  await kept.start()
  return { redis, kept, pids, lines }
}

function connected(url: string): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null })
  client.on('error', () => undefined)
  undo.push(async () => client.disconnect())
  return client
}

describeWithRedis('the Redis of a cluster', () => {
  it('answers those who know its password, keeps nothing on disk, and evicts what lapses anyway', async () => {
    const { redis } = await keptRedis()
    const client = connected(redis.url)
    expect(await client.set('key', 'value')).toBe('OK')
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-lru'])
    expect(await client.config('GET', 'save')).toEqual(['save', ''])
    const stranger = connected(`redis://${redis.address}`)
    await expect(stranger.get('key')).rejects.toThrow('NOAUTH')
  })

  it('is there again at the same place after it was killed', async () => {
    const { redis, pids, lines } = await keptRedis()
    process.kill(pids[0] ?? 0, 'SIGKILL')
    await until('it is started again', () => pids.length === 2)
    expect(await connected(redis.url).set('key', 'value')).toBe('OK')
    expect(lines).toEqual(['Redis has ended (SIGKILL): it is started again.'])
  })

  it('is not started again once it was stopped', async () => {
    const { kept, pids } = await keptRedis()
    await kept.stop(2_000)
    expect(await alive(pids)).toEqual([])
    expect(pids).toHaveLength(1)
  })

  it('ends when the process that started it is killed', async () => {
    const program: CompiledProgram = await compileProgram('tests/support/redis-keeper.ts')
    undo.push(() => program.remove())
    const keeper = spawn(process.execPath, [program.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [told] = await once(keeper.stdout, 'data')
    const pid = Number(told)
    expect(await alive([pid])).toEqual([pid])
    keeper.kill('SIGKILL')
    await until('it has ended', async () => (await alive([pid])).length === 0)
  })
})
