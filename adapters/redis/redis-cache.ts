import { Cluster } from 'ioredis'
import type { Cached, CachePort } from '../../core/ports/cache-port.js'
import { groupOf } from '../../core/ports/cache-scope.js'
import { entryKey, indexKey, scanPattern } from './cache-keys.js'
import type { RedisClient, RedisConnection } from './redis-connection.js'

const PORT = 'CachePort'

/** Entries that are filled together must not expire together: lifetimes vary by a tenth either way. */
const JITTER = 0.1
/** An index with more names is cleared of those whose entries are gone, and a group that still has more is forgotten. */
const INDEX_MAX = 1_000
const SCAN_COUNT = 1_000

/** What an entry holds and how long it has left, by one command: two would wake Redis twice. Something else than text is no entry. */
const LOOK_UP = `local text = redis.pcall('get', KEYS[1])
if type(text) ~= 'string' then return false end
return { text, redis.call('pttl', KEYS[1]) }`

/** An entry is its version, its signature and JSON, with colons between them. What has no version gives way. */
const PUT = `local present = redis.pcall('get', KEYS[1])
if type(present) == 'string' then
  local version = tonumber(string.match(present, '^(%d+):'))
  if version and version > tonumber(ARGV[1]) then return 0 end
end
redis.call('set', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'px', ARGV[3])
return 1`

/** Both keys lie in one slot, and so do the entries that the index names. */
const PUT_IN_GROUP = `local function put()
  ${PUT}
end
if put() == 0 then return 0 end
if type(redis.pcall('sadd', KEYS[2], KEYS[1])) == 'table' then
  redis.call('del', KEYS[2])
  redis.call('sadd', KEYS[2], KEYS[1])
end
if redis.call('pttl', KEYS[2]) < tonumber(ARGV[3]) then redis.call('pexpire', KEYS[2], ARGV[3]) end
if redis.call('scard', KEYS[2]) <= ${INDEX_MAX} then return 1 end
local names = redis.call('smembers', KEYS[2])
local kept = 0
for _, name in ipairs(names) do
  if redis.call('exists', name) == 1 then kept = kept + 1 else redis.call('srem', KEYS[2], name) end
end
if kept > ${INDEX_MAX} then
  for _, name in ipairs(names) do redis.call('unlink', name) end
  redis.call('del', KEYS[2])
end
return 1`

/** The index of a group, the entry that has the group's name (dropped where that is the scope), and the scope as entries begin with it. */
const DROP_FROM_GROUP = `if ARGV[1] == KEYS[2] then redis.call('unlink', KEYS[2]) end
local names = redis.pcall('smembers', KEYS[1])
if names.err then return redis.call('del', KEYS[1]) end
for _, name in ipairs(names) do
  if string.sub(name, 1, #ARGV[1]) == ARGV[1] then
    redis.call('unlink', name)
    redis.call('srem', KEYS[1], name)
  end
end`

/** Unless it has changed since it was found. */
const DROP_GARBAGE = `if redis.pcall('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('unlink', KEYS[1])`

const COLON = 0x3a
const DIGITS = /^\d+$/

export type RedisCacheStats = {
  readonly hits: number
  readonly misses: number
  /** Entries found but older than what the caller knew. */
  readonly staleRefused: number
  readonly fills: number
  /** Fills that gave way to an entry of a higher version. */
  readonly fillsRefused: number
  /** What was found but no process with the secret has put there; counted as a miss, too. */
  readonly garbage: number
  /** Calls that Redis did not answer. */
  readonly unanswered: number
}

/**
 * The cache that all processes share. Dropping a scope that holds two colons (`page:<room>:`, `session:<socket>:`) costs one call; one
 * that holds fewer walks through all keys. What nobody with the secret of the connection has put where it is found is no entry.
 */
export class RedisCache implements CachePort {
  private readonly find: ReturnType<RedisConnection['script']>
  private readonly store: ReturnType<RedisConnection['script']>
  private readonly storeInGroup: ReturnType<RedisConnection['script']>
  private readonly dropFromGroup: ReturnType<RedisConnection['script']>
  private readonly dropGarbage: ReturnType<RedisConnection['script']>
  private readonly random: () => number
  private readonly counts = {
    hits: 0,
    misses: 0,
    staleRefused: 0,
    fills: 0,
    fillsRefused: 0,
    garbage: 0,
    unanswered: 0,
  }

  constructor(
    private readonly redis: RedisConnection,
    options: { /** 0 to below 1; spreads lifetimes. */ readonly random?: () => number } = {},
  ) {
    this.random = options.random ?? Math.random
    this.find = redis.script('parleyCacheLookUp', 1, LOOK_UP, 'bytes')
    this.store = redis.script('parleyCachePut', 1, PUT)
    this.storeInGroup = redis.script('parleyCachePutInGroup', 2, PUT_IN_GROUP)
    this.dropFromGroup = redis.script('parleyCacheDrop', 2, DROP_FROM_GROUP)
    this.dropGarbage = redis.script('parleyCacheDropGarbage', 1, DROP_GARBAGE)
  }

  async get<T>(key: string, minVersion: number): Promise<Cached<T> | null> {
    return (await this.lookUp<T>(key, minVersion))?.cached ?? null
  }

  /** The same, and for how many ms it will be kept. */
  async lookUp<T>(
    key: string,
    minVersion: number,
  ): Promise<{ readonly cached: Cached<T>; readonly leftMs: number } | null> {
    const { entry } = entryKey(this.redis.prefix, key)
    let reply: readonly [bytes: Buffer, leftMs: number] | null
    try {
      reply = (await this.find(PORT, entry)) as typeof reply
    } catch {
      this.counts.unanswered += 1
      return null
    }
    const cached = reply === null ? null : this.parse<T>(entry, reply[0])
    if (cached === null) this.counts.misses += 1
    else if (cached.version < minVersion) this.counts.staleRefused += 1
    else {
      this.counts.hits += 1
      return { cached, leftMs: Math.max(0, reply?.[1] ?? 0) }
    }
    return null
  }

  async put<T>(key: string, version: number, value: T, ttlMs: number): Promise<void> {
    const { entry, index } = entryKey(this.redis.prefix, key)
    const lifetimeMs = Math.max(1, Math.round(ttlMs * (1 - JITTER + 2 * JITTER * this.random())))
    const text = jsonOf(value)
    if (text === null) return
    const signed = `${this.redis.signer.sign(entry, String(version), text)}:${text}`
    try {
      const stored =
        index === null
          ? await this.store(PORT, entry, version, signed, lifetimeMs)
          : await this.storeInGroup(PORT, entry, index, version, signed, lifetimeMs)
      if (stored === 1) this.counts.fills += 1
      else this.counts.fillsRefused += 1
    } catch {
      this.counts.unanswered += 1
    }
  }

  async drop(scope: string): Promise<void> {
    await this.tryDrop(scope)
  }

  /** The same, and whether it was done. */
  async tryDrop(scope: string): Promise<boolean> {
    try {
      const group = groupOf(scope)
      if (group === null) await this.dropByScan(scope)
      else {
        const { prefix } = this.redis
        await this.dropFromGroup(
          PORT,
          indexKey(prefix, group),
          entryKey(prefix, group).entry,
          entryKey(prefix, scope).entry,
        )
      }
      return true
    } catch {
      this.counts.unanswered += 1
      return false
    }
  }

  stats(): RedisCacheStats {
    return { ...this.counts }
  }

  /** In steps, each of which has a deadline, however many keys there are. */
  private async dropByScan(scope: string): Promise<void> {
    const pattern = scanPattern(this.redis.prefix, scope)
    for (const node of await this.redis.call(PORT, async (client) => mastersOf(client))) {
      let cursor = '0'
      do {
        cursor = await this.redis.call(PORT, async (client) => {
          const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
          await Promise.all(keys.map((key) => client.unlink(key)))
          return next
        })
      } while (cursor !== '0')
    }
  }

  private parse<T>(entry: string, bytes: Buffer): Cached<T> | null {
    const versionEnd = bytes.indexOf(COLON)
    const signatureEnd = bytes.indexOf(COLON, versionEnd + 1)
    const digits = bytes.toString('latin1', 0, Math.max(0, versionEnd))
    const version = DIGITS.test(digits) ? Number(digits) : Number.NaN
    const signature = bytes.toString('latin1', versionEnd + 1, Math.max(0, signatureEnd))
    const text = bytes.subarray(signatureEnd + 1)
    if (Number.isSafeInteger(version) && this.redis.signer.isGenuine(signature, entry, digits, text))
      try {
        return { version, value: JSON.parse(text.toString()) as T }
      } catch {
        // Only without a secret.
      }
    this.counts.garbage += 1
    // Else it might keep out what is put there, for as long as it lies there. Nobody waits for it.
    this.dropGarbage(PORT, entry, bytes).catch(() => undefined)
    return null
  }
}

/** Null for what JSON cannot hold: nothing at all, a cycle, a BigInt. */
function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

const mastersOf = (client: RedisClient): readonly RedisClient[] =>
  client instanceof Cluster ? client.nodes('master') : [client]
