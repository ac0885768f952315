import type { SocketId, UserId } from '../../core/domain/ids.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import type {
  Presence,
  PresenceChange,
  PresenceChanges,
  PresencePort,
  PresenceState,
  UserState,
} from '../../core/ports/presence-port.js'
import { LocalSockets } from './local-sockets.js'
import type { OwnSocket, Place } from './movable-presence.js'
import {
  type FailoverPresenceOptions,
  PresencePlace,
  type PresenceStores,
  type Side,
} from './presence-place.js'
import type { FailoverState, PrimaryHealth } from './primary-health.js'

type Answer = Awaited<ReturnType<PresencePort['states']>>

const UNCHANGED: PresenceChange = { before: 'offline', after: 'offline' }

/**
 * Presence in one store while all processes can use it, else in another. Whoever moves brings all sockets of this process along, so the
 * two stores never have to agree; while some have moved and others have not, both are asked, and where that is not possible, or a store
 * says so of its own, the answer is partial. When users were there last is kept in the fallback as well, which does not lose it.
 */
export class FailoverPresence implements PresencePort {
  private readonly sockets = new LocalSockets()
  private readonly place: PresencePlace
  /** Whom dead processes left behind, and who may yet be there by others. */
  private readonly left = new Set<UserId>()

  constructor(
    private readonly stores: PresenceStores,
    health: PrimaryHealth,
    options: FailoverPresenceOptions = {},
  ) {
    this.place = new PresencePlace(stores, this.sockets, health, options)
  }

  announce(userId: UserId, socketId: SocketId, state: 'online' | 'away'): Promise<PresenceChange> {
    return this.change(userId, socketId, { userId, state }, (side) =>
      this.stores[side].announce(userId, socketId, state),
    )
  }

  async withdraw(userId: UserId, socketId: SocketId): Promise<PresenceChange> {
    // It has gone with all others.
    if (this.place.isLeft) return UNCHANGED
    const known = this.sockets.get(socketId)
    try {
      return await this.change(userId, socketId, known?.userId === userId ? null : known, (side) =>
        this.stores[side].withdraw(userId, socketId),
      )
    } catch (error) {
      if (this.place.isLeft) return UNCHANGED
      throw error
    }
  }

  async beat(): Promise<readonly UserState[]> {
    const users = await this.place.run((side) => this.stores[side].beat())
    // The lease of the fallback is that of this process's sessions as well, and by it the others know of this process.
    if (this.place.side === 'primary') await this.stores.fallback.beat()
    return users
  }

  async reap(): Promise<readonly UserId[]> {
    const gone = await this.place.run((side) => this.stores[side].reap())
    const { side } = this.place
    if (side === 'fallback' && this.left.size === 0) return gone
    for (const userId of gone) this.left.add(userId)
    // Those of processes that died before they could go back.
    if (side === 'primary') for (const userId of await this.stores.fallback.reap()) this.left.add(userId)
    const users = [...this.left]
    this.left.clear()
    const offline = users.length > 0 ? await this.goneOf(users) : []
    const seen = offline.flatMap(({ userId, lastSeenAtMs: atMs }) =>
      atMs === null ? [] : [{ userId, atMs }],
    )
    await this.remember(seen)
    return offline.map(({ userId }) => userId)
  }

  /** Those of them who are not there by others; nobody, and they are kept for the next time, while that is not known. */
  private async goneOf(users: readonly UserId[]): Promise<readonly Presence[]> {
    let isKnown = false
    try {
      const { presences, partial } = await this.states(users)
      isKnown = !partial
      return presences.filter(({ state }) => isKnown && state === 'offline')
    } finally {
      if (!isKnown) for (const userId of users) this.left.add(userId)
    }
  }

  async states(userIds: readonly UserId[]) {
    return this.place.run(async (side) => {
      const places = await this.placesFor(side).catch(() => null)
      const [fallback, primary] = await this.answersOf(side, userIds, places)
      const isAlone = side === 'fallback' && places !== null && !places.has('elsewhere')
      return {
        presences: userIds.map((userId, at) =>
          merged(userId, fallback?.presences[at], primary?.presences[at]),
        ),
        partial: (fallback?.partial ?? true) || (!isAlone && (primary?.partial ?? true)),
      }
    })
  }

  /** A mark holds for one stay in one store; from there on, all that changed here since this process came, and there until it went. */
  changes(mark: string | null): Promise<PresenceChanges> {
    return this.place.run(async (side) => {
      const { moves, mark: markOfMove } = this.place.stay
      const [sideOfMark, movesOfMark, given = null] = mark?.split(' ') ?? []
      const isOfThisStay = mark === null || Number(movesOfMark) === moves
      const changes = await this.stores[side].changes(isOfThisStay ? given : markOfMove)
      const missed =
        isOfThisStay || Number(movesOfMark) !== moves - 1 ? [] : await this.missed(sideOfMark, given)
      return {
        userIds: [...new Set([...changes.userIds, ...missed])],
        mark: `${side} ${moves} ${changes.mark}`,
      }
    })
  }

  async leave(): Promise<void> {
    await this.place.leave()
    const users = [...this.sockets.values()].map(({ userId }) => ({ userId, atMs: null }))
    this.sockets.clear()
    const [fallback, primary] = await Promise.allSettled([
      this.remember(users).then(() => this.stores.fallback.leave()),
      this.stores.primary.leave(),
    ])
    // The primary forgets whoever does not beat.
    if (fallback.status === 'rejected') throw fallback.reason
    if (primary.status === 'rejected' && !(primary.reason instanceof PortUnavailable)) throw primary.reason
  }

  state(): FailoverState {
    const { side, moves, sinceMs } = this.place.stay
    return { port: 'PresencePort', state: side, sinceMs, switches: moves }
  }

  private async change(
    userId: UserId,
    socketId: SocketId,
    after: OwnSocket | null,
    make: (side: Side) => Promise<PresenceChange>,
  ): Promise<PresenceChange> {
    const change = await this.sockets.change(socketId, after, (isTold) =>
      this.place.run(async (side) => {
        const made = await make(side)
        isTold()
        return made
      }),
    )
    if (change.before === change.after) return change
    const elsewhere = await this.stateAtPeers(userId)
    const whole = { before: higher(change.before, elsewhere), after: higher(change.after, elsewhere) }
    if (this.place.side === 'primary' && whole.after === 'offline')
      await this.remember([{ userId, atMs: null }])
    return whole
  }

  /** How a user stands by the sockets of those who are still, or again, in the other store. */
  private async stateAtPeers(userId: UserId): Promise<PresenceState> {
    const places = await this.place.peers.places().catch(() => null)
    if (places === null) return 'offline'
    const { side } = this.place
    const isSplit =
      side === 'primary' ? places.has('here') || places.has('ready') : this.place.mayAskPrimary(places)
    if (!isSplit) return 'offline'
    const found = await this.statesIn(side === 'primary' ? 'fallback' : 'primary', [userId], side)
    return found?.presences[0]?.state ?? 'offline'
  }

  /** Of the fallback, which knows when users were there last, and of the primary where it is to be asked. */
  private async answersOf(
    side: Side,
    userIds: readonly UserId[],
    places: ReadonlySet<Place> | null,
  ): Promise<readonly [Answer | null, Answer | null]> {
    // In the order in which sockets go back, so that nobody is missed on the way.
    const fallback = await this.statesIn('fallback', userIds, side)
    const asksPrimary = side === 'primary' || (places !== null && this.place.mayAskPrimary(places))
    return [fallback, asksPrimary ? await this.statesIn('primary', userIds, side) : null]
  }

  /** Null where only the store in which this process is not cannot be asked. */
  private async statesIn(asked: Side, userIds: readonly UserId[], side: Side): Promise<Answer | null> {
    try {
      return await this.stores[asked].states(userIds)
    } catch (error) {
      if (asked === side || !(error instanceof PortUnavailable)) throw error
      return null
    }
  }

  /** What would make an answer partial is looked at anew. */
  private async placesFor(side: Side): Promise<ReadonlySet<Place>> {
    const { peers } = this.place
    const places = await peers.places()
    return side === 'fallback' && places.has('elsewhere') ? peers.placesNow() : places
  }

  private async missed(side: string | undefined, mark: string | null): Promise<readonly UserId[]> {
    if (mark === null || (side !== 'primary' && side !== 'fallback')) return []
    return this.stores[side].changes(mark).then(
      ({ userIds }) => userIds,
      () => [],
    )
  }

  /** Where it fails, the primary knows it for as long as that lives. */
  private async remember(
    users: readonly { readonly userId: UserId; readonly atMs: number | null }[],
  ): Promise<void> {
    if (users.length > 0) await this.stores.fallback.remember(users).catch(() => undefined)
  }
}

const higher = (one: PresenceState, other: PresenceState): PresenceState => {
  if (one === 'online' || other === 'online') return 'online'
  return one === 'away' || other === 'away' ? 'away' : 'offline'
}

function merged(userId: UserId, one: Presence | undefined, other: Presence | undefined): Presence {
  const state = higher(one?.state ?? 'offline', other?.state ?? 'offline')
  const seen = [one, other].flatMap((presence) => presence?.lastSeenAtMs ?? [])
  return { userId, state, lastSeenAtMs: state === 'offline' && seen.length > 0 ? Math.max(...seen) : null }
}
