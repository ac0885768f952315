import { MemoryPresence, MemoryPresenceHub } from '../../../adapters/memory/memory-presence.js'
import type { UserId } from '../../../core/domain/ids.js'
import type { PresenceChange, PresencePort } from '../../../core/ports/presence-port.js'
import { HeldClock } from '../held-clock.js'
import type { PresenceFixture } from '../presence-port.contract.js'
import { brokenBy } from './broken-by.js'

const LEASE_MS = 30_000

type World = { readonly clock: HeldClock; readonly hub: MemoryPresenceHub }

const broken =
  (
    change: (sound: PresencePort, world: World) => Partial<PresencePort>,
    open = ({ clock, hub }: World) => new MemoryPresence(clock, hub, LEASE_MS),
  ) =>
  (): PresenceFixture => {
    const world = { clock: new HeldClock(), hub: new MemoryPresenceHub() }
    const boot = () => {
      const sound = open(world)
      return brokenBy<PresencePort>(sound, change(sound, world))
    }
    return { boot, leaseMs: LEASE_MS, passTimeMs: async (ms) => world.clock.pass(ms) }
  }

const OFFLINE: PresenceChange = { before: 'offline', after: 'offline' }

/** Counts sockets instead of knowing them. */
const countsSockets = (): PresenceFixture => {
  const counts = new Map<UserId, number>()
  const add = (userId: UserId, more: number): PresenceChange => {
    const [before, after] = [counts.get(userId) ?? 0, (counts.get(userId) ?? 0) + more]
    counts.set(userId, after)
    return { before: before > 0 ? 'online' : 'offline', after: after > 0 ? 'online' : 'offline' }
  }
  return broken(() => ({
    announce: async (userId) => add(userId, 1),
    withdraw: async (userId) => add(userId, -1),
  }))()
}

/** Reads how a user stands, and changes it later. */
const looksBeforeItTakes = broken((sound) => {
  const stateOf = async (userId: UserId) => (await sound.states([userId])).presences[0]?.state ?? 'offline'
  return {
    withdraw: async (userId, socketId) => {
      const before = await stateOf(userId)
      await new Promise((resolve) => setImmediate(resolve))
      await sound.withdraw(userId, socketId)
      await new Promise((resolve) => setImmediate(resolve))
      return { before, after: await stateOf(userId) }
    },
  }
})

/** Tells of the users of a dead process again and again. */
const reapsForEver = (): PresenceFixture => {
  const told = new Set<UserId>()
  return broken((sound) => ({
    reap: async () => {
      for (const userId of await sound.reap()) told.add(userId)
      return [...told]
    },
  }))()
}

const withLastSeen = (change: (atMs: number | null, state: string) => number | null) =>
  broken((sound) => ({
    states: async (userIds) => {
      const { presences, partial } = await sound.states(userIds)
      return {
        presences: presences.map((presence) => ({
          ...presence,
          lastSeenAtMs: change(presence.lastSeenAtMs, presence.state),
        })),
        partial,
      }
    },
  }))

export const brokenPresences: Readonly<Record<string, () => PresenceFixture>> = {
  countsSockets,
  looksBeforeItTakes,
  reapsForEver,
  knowsItsOwnOnly: broken(
    () => ({}),
    ({ clock }) => new MemoryPresence(clock, new MemoryPresenceHub(), LEASE_MS),
  ),
  takesNobodyForDead: broken(
    () => ({}),
    ({ clock, hub }) => new MemoryPresence(clock, hub, LEASE_MS * 1_000),
  ),
  takesTheLivingForDead: broken(
    () => ({}),
    ({ clock, hub }) => new MemoryPresence(clock, hub, LEASE_MS / 3),
  ),
  knowsNoAway: broken((sound) => ({
    announce: (userId, socketId) => sound.announce(userId, socketId, 'online'),
  })),
  reapsNobody: broken(() => ({ reap: async () => [] })),
  reapsWithoutALook: broken((sound, { hub }) => ({
    reap: async () => {
      const users = [...hub.sockets.keys()]
      await sound.reap()
      return users
    },
  })),
  withdrawsNothing: broken(() => ({ withdraw: async () => OFFLINE })),
  neverBeats: broken(() => ({ beat: async () => [] })),
  comesBackInSilence: broken((sound) => ({
    beat: async () => {
      await sound.beat()
      return []
    },
  })),
  tellsOfAllWithEachBeat: broken((sound, { hub }) => ({
    beat: async () => {
      await sound.beat()
      return [...hub.sockets.keys()].map((userId) => ({ userId, state: 'online' }))
    },
  })),
  takesAllThatComeBackForOnline: broken((sound) => ({
    beat: async () => (await sound.beat()).map(({ userId }) => ({ userId, state: 'online' })),
  })),
  namesNobodyWhoChanged: broken(() => ({ changes: async () => ({ userIds: [], mark: '' }) })),
  namesWhoChangedForEver: broken((sound) => ({
    changes: (mark) => sound.changes(mark === null ? null : '0'),
  })),
  namesWhoeverIsAnnounced: broken((sound, { hub }) => ({
    announce: (userId, socketId, state) => {
      hub.recordChange(userId)
      return sound.announce(userId, socketId, state)
    },
  })),
  namesNobodyWhoLeft: broken((sound, { hub }) => ({
    leave: async () => {
      await sound.leave()
      hub.changes.clear()
    },
  })),
  staysWhenItLeaves: broken(() => ({ leave: async () => undefined })),
  takesAllAlongWhenItLeaves: broken((_sound, { hub }) => ({ leave: async () => hub.forget() })),
  sortsItsAnswer: broken((sound) => ({
    states: (userIds) => sound.states([...new Set(userIds)].sort()),
  })),
  alwaysKnowsHalf: broken((sound) => ({
    states: async (userIds) => ({ ...(await sound.states(userIds)), partial: true }),
  })),
  neverSawAnyone: withLastSeen(() => null),
  sawEveryone: withLastSeen((atMs) => atMs ?? 0),
}
