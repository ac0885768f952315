import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryPasswords,
  MemoryPresence,
  MemoryPresenceHub,
  MemoryRateLimit,
  MemorySessions,
} from '../../../adapters/memory/index.js'
import {
  createPostgresStore,
  type Database,
  migrate,
  openDatabase,
  SearchIndexer,
} from '../../../adapters/postgres/index.js'
import { JwtTokens, SystemClock, UuidIds } from '../../../adapters/system/index.js'
import type { Actor } from '../../../core/domain/account.js'
import type { Refusal } from '../../../core/domain/refusal.js'
import { ok, type Result } from '../../../core/domain/result.js'
import type { RoomChange } from '../../../core/domain/room-event.js'
import { createParley, type Parley, type ParleyPorts } from '../../../core/parley.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { ScaledRateLimit } from '../../../core/use-cases/scaled-rate-limit.js'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.js'
import { undoing } from '../machine/undoing.js'

export type Person = { readonly userId: string; readonly loginId: string }
/** What was said in a room before, by its members in turn. */
export type Talk = { readonly room: number; readonly texts: readonly string[] }

export type Population = { readonly people: readonly Person[]; readonly roomIds: readonly string[] }

export type Wanted = {
  readonly dataDir: string
  readonly authSecret: string
  readonly people: number
  /** For each room its members, by index of the people; the first owns it. */
  readonly rooms: readonly (readonly number[])[]
  readonly talk: readonly Talk[]
}

const TOKEN_TTL_MS = 6 * 3_600_000
/** So that none of the limits is met while people are made. */
const UNLIMITED = 1_000_000
const AT_ONCE = 32
const TOLD_AT_ONCE = 250
/** A busy machine makes a write wait beyond its deadline; asking again is what a client does too. */
const TRIES = 10

/**
 * Makes people and rooms in a data directory through the product's own use cases, while no server runs on it. Only the hash
 * of the passwords is a cheap one: argon2 for thousands of people takes minutes, and nobody signs in with a password here.
 */
export async function populate({ dataDir, authSecret, people, rooms, talk }: Wanted): Promise<Population> {
  const embedded = await startEmbeddedPostgres({ dataDir })
  const stop = undoing(() => embedded.stop())
  try {
    await clear(embedded.url)
    await migrate(embedded.url)
    const database = openDatabase({ url: embedded.url })
    try {
      const ports = portsOver(database, authSecret)
      const parley = createParley(ports)
      const made = await eachOf(people, AT_ONCE, (index) => signUp(parley, index))
      const membersOf = (room: number) => (rooms[room] ?? []).flatMap((person) => made[person] ?? [])
      const roomIds = await eachOf(rooms.length, AT_ONCE, (room) => openRoom(parley, membersOf(room)))
      for (const { room, texts } of talk) await tell(ports, roomIds[room] ?? '', membersOf(room), texts)
      if (talk.length > 0) await index(database, ports)
      return { people: made, roomIds }
    } finally {
      await database.close()
    }
  } finally {
    await stop()
  }
}

/** What an earlier bench left in the directory goes, so that none is slower for it. */
async function clear(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    await sql`drop schema public cascade`
    await sql`create schema public`
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** An access token that outlives the bench, signed as the server signs its own. */
export function tokenFor(authSecret: string, { userId, loginId }: Person): Promise<string> {
  const clock = new SystemClock()
  const tokens = new JwtTokens({ secret: authSecret, clock })
  return tokens.signAccess({ userId, loginId, expiresAtMs: clock.nowMs() + TOKEN_TTL_MS })
}

function portsOver(database: Database, authSecret: string): ParleyPorts {
  const clock = new SystemClock()
  const limits = new ScaledRateLimit(new MemoryRateLimit(clock), UNLIMITED)
  return {
    ...createPostgresStore(database),
    sessions: new MemorySessions(() => false),
    presence: new MemoryPresence(clock, new MemoryPresenceHub()),
    cache: new MemoryCache(clock),
    limits,
    localLimits: limits,
    bus: new MemoryBusHub(clock).endpoint(),
    mediator: new AlwaysDeliver(),
    notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
    passwords: new MemoryPasswords(),
    tokens: new JwtTokens({ secret: authSecret, clock }),
    clock,
    ids: new UuidIds(),
  }
}

async function signUp({ signUp }: Parley, index: number): Promise<Person> {
  const unique = `${process.pid}-${Date.now().toString(36)}-${index}`
  const account = { email: `person-${unique}@example.org`, password: `password of ${unique}` }
  const input = { ...account, displayName: `Person ${index}`, userAgent: null, ip: '127.0.0.1' }
  const { user, loginId } = unwrap(await signUp.execute(input))
  return { userId: user.id, loginId }
}

async function openRoom(parley: Parley, members: readonly Actor[]): Promise<string> {
  const [owner, ...guests] = members
  if (owner === undefined) throw new Error('a room needs an owner')
  // What is measured is the way of a message; what judging it costs is the mediator's own matter.
  const room = unwrap(await parley.createRoom.execute(owner, { name: 'A room', mediation: 'off' }))
  if (guests.length === 0) return room.id
  const terms = { roomId: room.id, maxUses: guests.length }
  const { code } = unwrap(await parley.createInvitation.execute(owner, terms))
  await eachOf(guests.length, AT_ONCE, async (index) => {
    const guest = guests[index]
    if (guest === undefined) return
    unwrap(await persistently(() => parley.acceptInvitation.execute(guest, { code })))
  })
  return room.id
}

/**
 * Puts what was said into the log, many messages in one write: sent one at a time, a hundred thousand of them would take
 * minutes. The rows are those that sending makes.
 */
async function tell(
  { log, ids, tokens, clock }: ParleyPorts,
  roomId: string,
  members: readonly Person[],
  texts: readonly string[],
): Promise<void> {
  for (let start = 0; start < texts.length; start += TOLD_AT_ONCE) {
    const actor = members[(start / TOLD_AT_ONCE) % members.length]
    if (actor === undefined) throw new Error('nobody is in the room')
    const changes = texts.slice(start, start + TOLD_AT_ONCE).map((text): RoomChange => {
      const from = { id: ids.next(), roomId, senderId: actor.userId, clientMessageId: randomUUID() }
      const place = { threadId: null, threadSeq: null, threadBy: null, replyTo: null }
      const draft = {
        ...from,
        ...place,
        text,
        submittedDigest: tokens.digest(text),
        deliveredUnder: 'off' as const,
      }
      return { type: 'message.sent', draft }
    })
    const decide = () => ok({ changes, answer: () => null })
    unwrap(await log.write({ roomId, actor, atMs: clock.nowMs(), needs: {}, touches: 'room', decide }))
  }
}

/** Waits until search has its index; else the server would fill it while it is measured. */
async function index(database: Database, { log }: ParleyPorts): Promise<void> {
  const failures: unknown[] = []
  const indexer = new SearchIndexer(database, log, { delayMs: 1, onError: (error) => failures.push(error) })
  indexer.start()
  try {
    for (let isBehind = true; isBehind; ) {
      await sleep(50)
      const behind = await database.sql`
        select 1 from rooms r left join search_heads h on h.room_id = r.id
        where r.messages_head > coalesce(h.seq, 0) limit 1`
      isBehind = behind.length > 0
      if (failures.length > 0) throw failures[0]
    }
  } finally {
    await indexer.close()
  }
}

/** For calls that have the same effect when they are repeated. */
async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof PortUnavailable) || tried === TRIES) throw error
      await sleep(error.retryAfterMs)
    }
  }
}

async function eachOf<T>(count: number, atOnce: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let start = 0; start < count; start += atOnce) {
    const indexes = Array.from({ length: Math.min(atOnce, count - start) }, (_, offset) => start + offset)
    made.push(...(await Promise.all(indexes.map(make))))
  }
  return made
}

function unwrap<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value
  throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
}
