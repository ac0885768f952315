import { AlwaysDeliver } from '../../adapters/mediator/index.js'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryClock,
  MemoryDatabase,
  MemoryIds,
  MemoryPasswords,
  MemoryPresence,
  MemoryPresenceHub,
  MemoryRateLimit,
  MemorySessions,
  MemoryTokens,
  memoryRepos,
  type RandomSource,
  seededRandom,
} from '../../adapters/memory/index.js'
import type { Actor, User } from '../../core/domain/account.js'
import type { Refusal } from '../../core/domain/refusal.js'
import type { Result } from '../../core/domain/result.js'
import type { RoomCommit } from '../../core/domain/room-event.js'
import { createParley, type ParleyPorts, type ParleySettings } from '../../core/parley.js'
import type { LiveSession } from '../../core/ports/session-port.js'
import { ScaledRateLimit } from '../../core/use-cases/scaled-rate-limit.js'
import { RecordedNotices } from './recorded-notices.js'

export type TestSystemOptions = {
  /** Ids, secrets and everything else drawn at random repeat with it. */
  readonly seed?: number
  readonly startMs?: number
  /** Whether time passes by itself; else it stands still until `clock.advance`. */
  readonly followsWallClock?: boolean
  /** Multiplies every rate limit. */
  readonly limitFactor?: number
  readonly settings?: Partial<ParleySettings>
  /** Takes the place of any adapter. */
  readonly ports?: Partial<ParleyPorts>
  /** Starts another process of the deployment that this is of; seed, time and limits are those of the first. */
  readonly shared?: SharedWorld
}

export type TestUser = {
  readonly user: User
  readonly actor: Actor & { readonly loginId: string }
  readonly email: string
  readonly password: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** What the processes of one deployment share. */
export type SharedWorld = ReturnType<typeof createWorld>

export type TestSystem = ReturnType<typeof createTestSystem>

function createWorld({ seed = 1, startMs, followsWallClock = false, limitFactor = 1 }: TestSystemOptions) {
  const clock = new MemoryClock({ followsWallClock, ...(startMs === undefined ? {} : { startMs }) })
  const random = seededRandom(seed)
  return {
    clock,
    random,
    database: new MemoryDatabase(),
    bus: new MemoryBusHub(clock),
    presence: new MemoryPresenceHub(),
    sessions: new Map<string, LiveSession>(),
    limitFactor,
    limits: new ScaledRateLimit(new MemoryRateLimit(clock), limitFactor),
  }
}

function createPorts(world: SharedWorld, random: RandomSource) {
  const { clock, database } = world
  return {
    ...memoryRepos(database),
    sessions: new MemorySessions((loginId) => database.hasEnded(loginId), world.sessions),
    presence: new MemoryPresence(clock, world.presence),
    cache: new MemoryCache(clock, { random: () => random() / 2 ** 32 }),
    limits: world.limits,
    localLimits: new ScaledRateLimit(new MemoryRateLimit(clock), world.limitFactor),
    bus: world.bus.endpoint(),
    mediator: new AlwaysDeliver(),
    notices: new RecordedNotices(),
    passwords: new MemoryPasswords(),
    tokens: new MemoryTokens(clock, random),
    clock,
    ids: new MemoryIds(clock, random),
  }
}

/**
 * The whole system in memory, or one process of it: the real use cases, over adapters that pass the same contracts as those
 * of the server. Nothing in it waits for anything but `clock`; passwords and tokens are fast and not secure.
 */
export function createTestSystem(options: TestSystemOptions = {}) {
  const shared = options.shared ?? createWorld(options)
  const { notices, ...own } = createPorts(shared, seededRandom(shared.random()))
  const ports: ParleyPorts = { ...own, notices, ...options.ports }
  const commits: RoomCommit[] = []
  ports.log.onCommitted((commit) => commits.push(commit))
  const parley = createParley(ports, options.settings)
  return {
    parley,
    ports,
    clock: shared.clock,
    ids: ports.ids,
    database: shared.database,
    bus: own.bus,
    notices,
    /** What this process committed, in order. */
    commits,
    /** For `createTestSystem({ shared })`: another process on the same database and bus. */
    shared,
    signUpUser: (displayName: string) => signUpUser(parley, shared, displayName),
  }
}

async function signUpUser(
  { signUp }: ReturnType<typeof createParley>,
  { random }: SharedWorld,
  displayName: string,
): Promise<TestUser> {
  const unique = random().toString(16).padStart(8, '0')
  const email = `user-${unique}@example.org`
  const password = `password of ${unique}`
  // An address of its own, so that the limit per address is met by those alone who test it.
  const ip = [10, random() & 255, random() & 255, random() & 255].join('.')
  const signedIn = unwrap(await signUp.execute({ email, password, displayName, userAgent: null, ip }))
  const { user, loginId, accessToken, refreshToken } = signedIn
  return { user, actor: { userId: user.id, loginId }, email, password, accessToken, refreshToken }
}

/** The value of a result that must not be a refusal. */
export function unwrap<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value
  throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
}
