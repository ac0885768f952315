import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../support/postgres-cluster.js'
import { describeWithRedis, RedisServer } from '../../support/redis.js'
import {
  demoteRedis,
  denyPublishing,
  endSubscriptions,
  evictedKeys,
  fillRedis,
  floodChannel,
  freezeRedis,
  killRedis,
  limitOutput,
  occupyRedis,
  openAdmin,
  type RedisTarget,
  reloadRedis,
  rotatePassword,
  scrawl,
  starveRedis,
  subscriberIds,
  takeSnapshot,
} from './redis-actions.js'
import { cutAnswers, delayPushes, flap, holdPushes, repeatFills, watchCommands } from './redis-links.js'
import { TcpProxy } from './tcp-proxy.js'

const PASSWORD = 'the-first-one'

let target: RedisTarget
let proxy: TcpProxy
let clients: Redis[]

/** As a server is connected: by way of the proxy, and with a deadline. */
function connect(): Redis {
  const client = new Redis(proxy.url, {
    commandTimeout: 300,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => 50,
  })
  client.on('error', () => undefined)
  clients.push(client)
  return client
}

const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )

const isBack = (client: Redis): Promise<void> =>
  eventually('the client is answered again', async () => (await refusal(client.set('back', '1'))) === 'none')

/** A client that listens, and what it hears. */
async function listen(): Promise<{ readonly client: Redis; readonly heard: string[] }> {
  const client = connect()
  const heard: string[] = []
  client.on('message', (_channel, message) => heard.push(message))
  await client.subscribe('bus')
  return { client, heard }
}

describeWithRedis('actions on Redis', () => {
  beforeEach(async () => {
    const server = await RedisServer.start({ config: { requirepass: PASSWORD } })
    target = { server, client: openAdmin(server) }
    proxy = await TcpProxy.start(server.url)
    clients = []
  })
  afterEach(async () => {
    for (const client of [...clients, target.client]) client.disconnect()
    await proxy.close()
    target.server.thaw()
    await target.server.stop()
  })

  it('killRedis has it come back empty, on the same port', async () => {
    const client = connect()
    await client.set('key', 'value')
    await target.client.save()
    const heal = await killRedis(target, null)
    expect(await refusal(client.get('key'))).not.toBe('none')
    await heal()
    await isBack(client)
    expect(await client.get('key')).toBeNull()
  })

  it('killRedis has it come back with what it held at the snapshot', async () => {
    const client = connect()
    await client.set('key', 'old')
    const snapshot = await takeSnapshot(target)
    await client.mset('key', 'new', 'other', 'new')
    await target.client.save()
    const heal = await killRedis(target, snapshot)
    await heal()
    await snapshot.remove()
    await isBack(client)
    expect(await client.mget('key', 'other')).toEqual(['old', null])
  })

  it('freezeRedis keeps the connections and answers nothing', async () => {
    const client = connect()
    await client.set('key', 'value')
    const heal = await freezeRedis(target)
    expect(await refusal(client.get('key'))).toMatch(/timed out/)
    expect(proxy.open).toBe(1)
    await heal()
    expect(await client.get('key')).toBe('value')
  })

  it('demoteRedis loses the last writes, and refuses writes until healed', async () => {
    const client = connect()
    await client.set('key', 'value')
    const snapshot = await takeSnapshot(target)
    await client.set('last', 'value')
    const heal = await demoteRedis(target, snapshot)
    await eventually('it answers reads', async () => (await refusal(client.get('key'))) === 'none')
    expect(await client.mget('key', 'last')).toEqual(['value', null])
    expect(await refusal(client.set('key', 'other'))).toMatch(/^READONLY/)
    await heal()
    await snapshot.remove()
    await client.set('key', 'other')
  })

  it('fillRedis refuses writes with OOM, and answers reads', async () => {
    const client = connect()
    await client.set('key', 'value')
    const heal = await fillRedis(target)
    expect(await refusal(client.set('key', 'other'))).toMatch(/^OOM/)
    expect(await client.get('key')).toBe('value')
    await heal()
    await client.set('key', 'other')
  })

  it('starveRedis evicts what was there, and takes writes', async () => {
    const client = connect()
    const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`)
    await client.mset(keys.flatMap((key) => [key, 'x'.repeat(1_000)]))
    const heal = await starveRedis(target)
    await client.set('one', 'more')
    await eventually('most are gone', async () => (await evictedKeys(target)) > 300)
    await heal()
    expect(await refusal(client.mset(keys.flatMap((key) => [key, 'x'])))).toBe('none')
    expect(await client.exists(...keys)).toBe(keys.length)
  })

  it('endSubscriptions cuts those who listen and nobody else', async () => {
    const { client, heard } = await listen()
    const other = connect()
    await other.set('key', 'value')
    const id = await other.client('ID')
    const [before] = await subscriberIds(target)
    expect(await endSubscriptions(target)).toBe(1)
    await eventually('it listens again', async () => {
      const [now] = await subscriberIds(target)
      return now !== undefined && now !== before
    })
    expect(client.status).toBe('ready')
    await other.publish('bus', 'again')
    await eventually('it hears again', () => heard.includes('again'))
    expect(await other.client('ID')).toBe(id)
  })

  it('occupyRedis has everybody answered BUSY until healed', async () => {
    const client = connect()
    await client.set('key', 'value')
    const heal = await occupyRedis(target)
    expect(await refusal(client.get('key'))).toMatch(/^BUSY/)
    await heal()
    expect(await client.get('key')).toBe('value')
  })

  it('rotatePassword cuts everybody, and lets nobody in with the old one', async () => {
    const client = connect()
    await client.set('key', 'value')
    await listen()
    const heal = await rotatePassword(target)
    await eventually('it is refused', async () => /NOAUTH|WRONGPASS/.test(await refusal(client.get('key'))))
    expect(await subscriberIds(target)).toEqual([])
    await heal()
    await isBack(client)
    expect(await client.get('key')).toBe('value')
  })

  it('reloadRedis has everybody answered LOADING, and loses nothing', async () => {
    const client = new Redis(proxy.url, { enableReadyCheck: false, retryStrategy: () => 50 })
    client.on('error', () => undefined)
    clients.push(client)
    await client.set('key', 'value')
    const heal = await reloadRedis(target, { forMs: 1_000 })
    await eventually('it is told so', async () => /^LOADING/.test(await refusal(client.get('key'))))
    await heal()
    expect(await client.get('key')).toBe('value')
    expect(await target.client.dbsize()).toBe(1)
  })

  it('denyPublishing refuses that, and nothing else', async () => {
    const client = connect()
    await client.set('key', 'value')
    const heal = await denyPublishing(target)
    for (const publish of ['publish', 'spublish'] as const)
      expect(await refusal(client[publish]('bus', 'message'))).toMatch(/^NOPERM/)
    expect(await client.get('key')).toBe('value')
    await heal()
    await client.publish('bus', 'message')
    await client.spublish('bus', 'message')
  })

  it('scrawl leaves nothing as it was under a prefix, and the rest alone', async () => {
    const client = connect()
    const keys = Array.from({ length: 30 }, (_, index) => `mine:${index}`)
    await client.mset(...keys.flatMap((key) => [key, 'value']), 'other', 'value')
    expect(await scrawl(target, 'mine:')).toBe(keys.length)
    const types = new Set(await Promise.all(keys.map((key) => client.type(key))))
    expect([...types].toSorted()).toEqual(['hash', 'list', 'set', 'string'])
    const texts = await client.mget(...keys)
    expect(texts).not.toContain('value')
    const leftMs = await Promise.all(keys.map((key) => client.pttl(key)))
    expect(Math.min(...leftMs)).toBeGreaterThan(0)
    expect(await client.get('other')).toBe('value')
  })

  it('holdPushes keeps messages from who listens; commands are answered, and the heal lets them arrive', async () => {
    const { heard } = await listen()
    const client = connect()
    const held = holdPushes(proxy)
    for (const message of ['one', 'two', 'three']) await client.publish('bus', message)
    await client.set('key', 'value')
    await sleep(300)
    expect(heard).toEqual([])
    expect(held.pushes()).toBeGreaterThan(0)
    await held.heal()
    await eventually('all have arrived', () => heard.length === 3)
  })

  it('delayPushes has messages late, and nothing else', async () => {
    const { heard } = await listen()
    const client = connect()
    const late = delayPushes(proxy, 500)
    const sentMs = performance.now()
    await client.publish('bus', 'one')
    await client.set('key', 'value')
    expect(performance.now() - sentMs).toBeLessThan(400)
    expect(heard).toEqual([])
    await eventually('it arrives', () => heard.length === 1)
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(499)
    expect(late.pushes()).toBe(1)
    await late.heal()
  })

  it('floodChannel has Redis cut who listens and does not read', async () => {
    const { heard } = await listen()
    const heal = await limitOutput(target)
    holdPushes(proxy)
    const before = await subscriberIds(target)
    expect(await floodChannel(target, { channel: 'bus', withinMs: 20_000 })).toEqual(before)
    proxy.tapWith(null)
    await heal()
    const [, limits = ''] = (await target.client.config('GET', 'client-output-buffer-limit')) as string[]
    expect(limits).toContain('pubsub 33554432 8388608 60')
    await eventually('it listens again', async () => (await subscriberIds(target)).length === 1)
    await target.client.publish('bus', 'again')
    await eventually('it hears again', () => heard.includes('again'))
  })

  it('cutAnswers cuts a connection after the command was carried out', async () => {
    const client = connect()
    await client.set('count', '0')
    const cutting = cutAnswers(proxy, 1)
    expect(await refusal(client.incr('count'))).not.toBe('none')
    expect(cutting.cuts()).toBe(1)
    await cutting.heal()
    await isBack(client)
    expect(await client.get('count')).toBe('1')
  })

  it('a sliced answer is put together again', async () => {
    const client = connect()
    await client.set('key', 'value '.repeat(100))
    await proxy.set({ is: 'sliced', firstBytes: 64 })
    expect(await client.get('key')).toBe('value '.repeat(100))
    expect(await Promise.all([client.get('none'), client.incr('count')])).toEqual([null, 1])
  })

  it('flap goes down and up until healed, and leaves it up', async () => {
    const client = connect()
    await client.set('key', 'value')
    let cuts = 0
    client.on('close', () => {
      cuts += 1
    })
    const flapping = flap([proxy], 100)
    await eventually('it has been down three times', () => flapping.times() >= 3)
    await flapping.heal()
    expect(cuts).toBeGreaterThan(0)
    await isBack(client)
  })

  it('watchCommands tells what is sent, by name and key', async () => {
    const client = connect()
    await client.set('key', 'value')
    const seen: string[] = []
    const heal = watchCommands(proxy, ({ name, key }) => seen.push(`${name} ${key}`))
    await Promise.all([client.get('key'), client.publish('bus', 'message')])
    await heal()
    await client.get('key')
    expect(seen).toEqual(['get key', 'publish bus'])
  })

  it('repeatFills carries out a fill once more, where its entry was', async () => {
    const client = connect()
    const fill = "return redis.call('set', KEYS[1], ARGV[1])"
    await client.eval(fill, 1, 'cache:other', 'x')
    const late = repeatFills([proxy], target.client, { prefix: 'cache:', lateMs: 300 })
    await client.eval(fill, 1, 'cache:key', 'old')
    await client.set('cache:key', 'new')
    await client.eval(fill, 1, 'other', 'old')
    await client.set('other', 'new')
    await late.heal()
    expect(late.fills()).toBe(1)
    expect(await client.mget('cache:key', 'other')).toEqual(['old', 'new'])
  })
})
