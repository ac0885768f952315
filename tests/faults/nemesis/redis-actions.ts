import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { eventually } from '../../support/postgres-cluster.js'
import { RedisServer } from '../../support/redis-server.js'
import type { Heal } from './process-actions.js'

/** A Redis of the run's own. */
export interface RedisTarget {
  readonly server: RedisServer
  /** Commands past every proxy. */
  readonly client: Redis
}

const COMMAND_WITHIN_MS = 10_000
const RECONNECT_MS = 50
const BACK_WITHIN_MS = 30_000

/** For whoever commands a Redis that comes and goes: it waits for it, and does nothing twice. */
export function openAdmin({ url }: Pick<RedisServer, 'url'>): Redis {
  const client = new Redis(url, {
    commandTimeout: COMMAND_WITHIN_MS,
    maxRetriesPerRequest: null,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => RECONNECT_MS,
  })
  // What it cannot reach is away on purpose.
  client.on('error', () => undefined)
  return client
}

/** Resolves when it answers, with all of its data loaded. */
export const untilRedisAnswers = ({ client }: RedisTarget): Promise<void> =>
  eventually(
    'Redis answers',
    () =>
      client.ping().then(
        () => true,
        () => false,
      ),
    BACK_WITHIN_MS,
  )

/** All that it held at a moment. */
export type RedisSnapshot = { readonly file: string; remove(): Promise<void> }

/** While it works; it goes on as before. */
export async function takeSnapshot({ server, client }: RedisTarget): Promise<RedisSnapshot> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-snapshot-'))
  const file = join(folder, 'saved.rdb')
  await client.save()
  await server.copySaved(file)
  return { file, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** SIGKILL. It comes back with what it held at the snapshot; without one, empty. */
export async function killRedis(target: RedisTarget, returnsWith: RedisSnapshot | null): Promise<Heal> {
  const { server } = target
  await server.kill()
  return async () => {
    await server.loadFrom(returnsWith?.file ?? null)
    await server.restart()
    await untilRedisAnswers(target)
  }
}

/** SIGSTOP: it keeps its connections and answers nothing. */
export async function freezeRedis({ server }: RedisTarget): Promise<Heal> {
  server.freeze()
  return async () => server.thaw()
}

/**
 * A failover to a replica that lagged: what was written since the snapshot is lost, and for as long as clients are led to one that
 * is no master, it answers reads and refuses writes with READONLY. The heal makes it the master.
 */
export async function demoteRedis({ client }: RedisTarget, { file }: RedisSnapshot): Promise<Heal> {
  const master = await RedisServer.prepare()
  await master.loadFrom(file)
  // Else a replica waits five seconds for others to come along.
  await master.restart({ 'repl-diskless-sync-delay': '0' })
  const heal = async () => {
    await client.replicaof('NO', 'ONE')
    await master.stop()
  }
  try {
    await client.replicaof('127.0.0.1', master.port)
    await eventually(
      'the replica has what its master has',
      async () => (await client.info('replication')).includes('master_link_status:up'),
      BACK_WITHIN_MS,
    )
    return heal
  } catch (error) {
    await heal()
    throw error
  }
}

/** Every write that needs memory is answered `OOM command not allowed`; reads are answered. */
export async function fillRedis({ client }: RedisTarget): Promise<Heal> {
  await client.config('SET', 'maxmemory-policy', 'noeviction')
  await client.config('SET', 'maxmemory', '1')
  return async () => {
    await client.config('SET', 'maxmemory', '0')
  }
}

/** Memory that is given in steps, until a small write succeeds: how much connections need varies. */
const STEP_BYTES = 64 * 1024

/** Hardly anything is kept: what is written makes room by evicting what was there. */
export async function starveRedis({ client }: RedisTarget): Promise<Heal> {
  const memory = await client.info('memory')
  const bytesOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1])
  const takesWrites = () =>
    client.set('starved', '1', 'PX', 1).then(
      () => true,
      () => false,
    )
  let limit = bytesOf('used_memory') - bytesOf('used_memory_dataset')
  await client.config('SET', 'maxmemory-policy', 'allkeys-random')
  do {
    limit += STEP_BYTES
    await client.config('SET', 'maxmemory', String(limit))
  } while (!(await takesWrites()))
  return async () => {
    await client.config('SET', 'maxmemory', '0')
    await client.config('SET', 'maxmemory-policy', 'noeviction')
  }
}

export const evictedKeys = async ({ client }: RedisTarget): Promise<number> =>
  Number(/^evicted_keys:(\d+)/m.exec(await client.info('stats'))?.[1] ?? 0)

/** Ends the connections that listen, and no others. Answers how many. */
export const endSubscriptions = async ({ client }: RedisTarget): Promise<number> =>
  Number(await client.client('KILL', 'TYPE', 'pubsub'))

/** By id, the connections that listen. */
export async function subscriberIds({ client }: RedisTarget): Promise<readonly string[]> {
  const list = String(await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
  return Array.from(list.matchAll(/^id=(\d+)/gm), ([, id = '']) => id)
}

/** A script that does not end: after a moment everybody else is answered BUSY. The heal kills it. */
export async function occupyRedis(target: RedisTarget): Promise<Heal> {
  const { server, client } = target
  await client.config('SET', 'busy-reply-threshold', '50')
  const other = openAdmin(server)
  // Ends as it is killed, or by its own deadline.
  const running = other.eval('while true do end', 0).catch(() => undefined)
  await eventually('Redis is busy', () =>
    client.get('busy').then(
      () => false,
      (error: unknown) => error instanceof Error && error.message.startsWith('BUSY'),
    ),
  )
  return async () => {
    await client.script('KILL')
    await running
    other.disconnect()
  }
}

/** Another password, and everybody has to connect anew. The heal brings the old one back. */
export async function rotatePassword({ client, server }: RedisTarget): Promise<Heal> {
  const { password } = new URL(server.url)
  await client.config('SET', 'requirepass', randomUUID())
  await client.client('KILL', 'TYPE', 'normal')
  await client.client('KILL', 'TYPE', 'pubsub')
  return async () => {
    await client.config('SET', 'requirepass', password)
  }
}

const FILLER = { keys: 500, prefix: 'filler:' }

/** A restart with so much to load that everybody is answered LOADING meanwhile. The heal waits for its end. */
export async function reloadRedis(target: RedisTarget, options: { readonly forMs: number }): Promise<Heal> {
  const { server, client } = target
  const fillers = Array.from({ length: FILLER.keys }, (_, index) => [
    `${FILLER.prefix}${index}`,
    'x'.repeat(100),
  ])
  await client.mset(...fillers.flat())
  await client.save()
  await server.kill()
  await server.restart({
    // In µs, for each key; between keys it answers.
    'key-load-delay': String(Math.round((1_000 * options.forMs) / FILLER.keys)),
    'loading-process-events-interval-bytes': '1024',
  })
  return async () => {
    await untilRedisAnswers(target)
    await client.del(...fillers.map(([name = '']) => name))
  }
}

/** Refuses PUBLISH with NOPERM, and nothing else. */
export async function denyPublishing({ client }: RedisTarget): Promise<Heal> {
  await client.call('ACL', 'SETUSER', 'default', '-publish', '-spublish')
  return async () => {
    await client.call('ACL', 'SETUSER', 'default', '+publish', '+spublish')
  }
}

const SCRAWLS = [
  'no entry of anything',
  '',
  '{',
  '9007199254740993:{}',
  '1:not JSON',
  '\u0000\u0001\u0002',
] as const

/** Writes something else under all keys that begin so: other texts, and other types. Answers how many. */
export async function scrawl({ client }: RedisTarget, prefix: string): Promise<number> {
  let scrawled = 0
  let cursor = '0'
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 500)
    cursor = next
    for (const key of keys) {
      const batch = client.multi().del(key)
      const kind = scrawled % (SCRAWLS.length + 3)
      if (kind === SCRAWLS.length) batch.rpush(key, 'an', 'other', 'type')
      else if (kind === SCRAWLS.length + 1) batch.sadd(key, 'member')
      else if (kind === SCRAWLS.length + 2) batch.hset(key, 'field', 'garbage')
      else batch.set(key, SCRAWLS[kind] ?? '')
      await batch.pexpire(key, 60_000).exec()
      scrawled += 1
    }
  } while (cursor !== '0')
  return scrawled
}

/** Publishes what nobody can read until Redis has cut one of those that listen, for not taking it. Answers the ids of those cut. */
export async function floodChannel(
  target: RedisTarget,
  { channel, withinMs }: { readonly channel: string; readonly withinMs: number },
): Promise<readonly string[]> {
  const before = await subscriberIds(target)
  const bulk = 'x'.repeat(256 * 1024)
  const untilMs = performance.now() + withinMs
  while (performance.now() < untilMs) {
    await target.client.publish(channel, bulk)
    const left = await subscriberIds(target)
    const cut = before.filter((id) => !left.includes(id))
    if (cut.length > 0) return cut
    await sleep(20)
  }
  return []
}

/** What Redis may hold back for one that listens and does not read. */
export async function limitOutput({ client }: RedisTarget): Promise<Heal> {
  await client.config('SET', 'client-output-buffer-limit', 'pubsub 512kb 128kb 2')
  return async () => {
    await client.config('SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60')
  }
}
