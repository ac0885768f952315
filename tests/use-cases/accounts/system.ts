import assert from 'node:assert/strict'
import { MemoryBusHub } from '../../../adapters/memory/memory-bus.js'
import { MemoryCache } from '../../../adapters/memory/memory-cache.js'
import { MemoryDatabase } from '../../../adapters/memory/memory-database.js'
import { MemoryPresence, MemoryPresenceHub } from '../../../adapters/memory/memory-presence.js'
import { MemoryRateLimit } from '../../../adapters/memory/memory-rate-limit.js'
import { memoryRepos } from '../../../adapters/memory/memory-repos.js'
import { MemorySessions } from '../../../adapters/memory/memory-sessions.js'
import { ArgonPasswords, JwtTokens, UuidIds } from '../../../adapters/system/index.js'
import { RecordedNotices } from '../../../apps/testing/recorded-notices.js'
import type { Refusal } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import { createParley, type ParleyPorts, type ParleySettings } from '../../../core/parley.js'
import type { LiveSession } from '../../../core/ports/session-port.js'
import type { SignedIn } from '../../../core/use-cases/accounts/signed-in.js'
import { HeldClock } from '../../contracts/held-clock.js'

export const PASSWORD = 'correct horse battery'

export type Options = {
  readonly settings?: Partial<ParleySettings>
  /** Puts something between the use cases and their ports. */
  readonly wrap?: (ports: ParleyPorts) => Partial<ParleyPorts>
}

/** A deployment whose processes share one database in memory, and a clock that tests hold. */
export function startDeployment() {
  const clock = new HeldClock()
  const database = new MemoryDatabase()
  const busHub = new MemoryBusHub(clock)
  const presenceHub = new MemoryPresenceHub()
  const sessions = new Map<string, LiveSession>()
  const limits = new MemoryRateLimit(clock)

  const startProcess = ({ settings, wrap }: Options = {}) => {
    const notices = new RecordedNotices()
    const ports: ParleyPorts = {
      ...memoryRepos(database),
      sessions: new MemorySessions((loginId) => database.logins.get(loginId)?.ended != null, sessions),
      presence: new MemoryPresence(clock, presenceHub),
      cache: new MemoryCache(clock),
      limits,
      localLimits: limits,
      bus: busHub.endpoint(),
      mediator: { judge: () => assert.fail('nothing is said in these tests') },
      notices,
      passwords: new ArgonPasswords(),
      tokens: new JwtTokens({ secret: 'the secret of the deployment under test', clock }),
      clock,
      ids: new UuidIds(),
    }
    const wrapped = { ...ports, ...wrap?.(ports) }
    return { parley: createParley(wrapped, settings), ports: wrapped, notices: notices.all }
  }
  return { clock, database, startProcess }
}

export function start(options: Options = {}) {
  const { startProcess, ...deployment } = startDeployment()
  return { ...deployment, ...startProcess(options) }
}

export type System = ReturnType<typeof start>

let addresses = 0
/** An address that no other call gets, so that nothing but its own test takes from its limits. */
export function newIp(): string {
  addresses += 1
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`
}

export function unwrap<T>(result: Result<T, Refusal>): T {
  return result.ok ? result.value : assert.fail(`refused: ${JSON.stringify(result.refusal)}`)
}

export const refusalOf = (result: Result<unknown, Refusal>): Refusal | null =>
  result.ok ? null : result.refusal

export const codeOf = (result: Result<unknown, Refusal>): string | null =>
  result.ok ? null : result.refusal.code

export const waitOf = (result: Result<unknown, Refusal>): number =>
  !result.ok && result.refusal.code === 'RATE_LIMITED'
    ? result.refusal.retryAfterMs
    : assert.fail('was not limited')

type Parley = { readonly parley: System['parley'] }

export const trySignUp = ({ parley }: Parley, given: Partial<Parameters<Signing>[0]> = {}) =>
  parley.signUp.execute({
    email: 'ann@example.org',
    password: PASSWORD,
    displayName: 'Ann',
    userAgent: null,
    ip: newIp(),
    ...given,
  })

type Signing = System['parley']['signUp']['execute']

export const signUp = async (...args: Parameters<typeof trySignUp>): Promise<SignedIn> =>
  unwrap(await trySignUp(...args))

export const trySignIn = (
  { parley }: Parley,
  given: Partial<Parameters<System['parley']['signIn']['execute']>[0]> = {},
) =>
  parley.signIn.execute({
    email: 'ann@example.org',
    password: PASSWORD,
    userAgent: null,
    ip: newIp(),
    ...given,
  })

export const signIn = async (...args: Parameters<typeof trySignIn>): Promise<SignedIn> =>
  unwrap(await trySignIn(...args))

export const refresh = ({ parley }: Parley, refreshToken: string) =>
  parley.refreshLogin.execute({ refreshToken, ip: newIp() })

export const actorOf = ({ user, loginId }: SignedIn) => ({ userId: user.id, loginId })

/** Whether an access token opens anything. */
export const admits = async ({ parley }: Parley, { accessToken }: SignedIn): Promise<boolean> =>
  (await parley.authenticate.execute(accessToken)).ok
