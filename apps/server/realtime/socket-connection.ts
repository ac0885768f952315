import type { Actor } from '../../../core/domain/account.js'
import type { LoginId, RoomId } from '../../../core/domain/ids.js'
import { conflict, type Refusal } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import type { JoinedRoom } from '../../../core/use-cases/rooms/join-room.js'
import type { Connection } from '../contract/operation.js'
import type { SessionEnd } from '../contract/server-events.js'
import { EXPIRY_GRACE_MS, ROOMS_PER_SOCKET } from './limits.js'
import type { LocalRooms } from './local-rooms.js'
import { type RealtimeSocket, roomChannel } from './wire.js'

/** How long a closing connection has to take what was written to it. */
const FLUSH_MS = 2_000

const MAY_RETURN: ReadonlySet<SessionEnd['reason']> = new Set(['draining', 'too-slow'])

export type SignedInActor = Actor & { readonly loginId: LoginId }
type Join = (enter: () => Promise<void>) => Promise<Result<JoinedRoom, Refusal>>

/** A socket's place in a room; `headSeq` is where its reading began, null until that is known. */
type Place = { headSeq: number | null }

/** One signed-in socket of this process: its rooms, and how long it may stay. */
export class SocketConnection implements Connection {
  private readonly places = new Map<RoomId, Place>()
  /** The last of the joins and leavings of each room that are under way. */
  private readonly turns = new Map<RoomId, Promise<unknown>>()
  /** Rooms whose join is under way, and may yet take a place. */
  private readonly entering = new Set<RoomId>()
  private expiry: NodeJS.Timeout
  private over = false

  constructor(
    readonly socket: RealtimeSocket,
    readonly actor: SignedInActor,
    expiresAtMs: number,
    private readonly rooms: LocalRooms,
  ) {
    this.expiry = this.expireAt(expiresAtMs)
  }

  get socketId(): string {
    return this.socket.id
  }

  /** Nothing is accepted from it any more, and nothing sent. */
  get isOver(): boolean {
    return this.over
  }

  enter(roomId: RoomId, join: Join): Promise<Result<JoinedRoom, Refusal>> {
    // Joins of one room go one after the other: each decides whether the socket stays in it.
    return this.inTurn(roomId, () => this.joinOnce(roomId, join))
  }

  async leave(roomId: RoomId): Promise<void> {
    this.giveUp(roomId)
    // A join that is under way may only now be about to take its place.
    if (this.turns.has(roomId)) await this.inTurn(roomId, async () => this.giveUp(roomId))
  }

  /** The user left the room at `seq`; an event from before this socket's reading tells of an earlier membership. */
  depart(roomId: RoomId, seq: number): void {
    const place = this.places.get(roomId)
    if (place !== undefined && (place.headSeq === null || seq > place.headSeq)) this.giveUp(roomId)
  }

  renew(actor: Actor, expiresAtMs: number): boolean {
    if (this.over || actor.loginId !== this.actor.loginId || actor.userId !== this.actor.userId) return false
    clearTimeout(this.expiry)
    this.expiry = this.expireAt(expiresAtMs)
    return true
  }

  /** Tells the client why, as the last thing it gets, and closes the connection. */
  end(end: SessionEnd): void {
    if (this.over) return
    this.over = true
    this.leaveAll()
    this.socket.emit('session:ended', end)
    // After a goodbye of Socket.io's own its clients stay away; those who may come back only lose their connection.
    if (MAY_RETURN.has(end.reason)) this.closeConnection()
    else this.socket.disconnect(true)
  }

  /** After the socket has gone. Its connection goes with it, which nobody would count any more. */
  close(): void {
    this.over = true
    clearTimeout(this.expiry)
    this.leaveAll()
    this.closeConnection()
  }

  private closeConnection(): void {
    const { conn } = this.socket
    if (conn.readyState === 'closed') return
    conn.close()
    // One that does not read would otherwise keep what waits for it until its next ping is missed.
    setTimeout(() => terminate(conn), FLUSH_MS).unref()
  }

  private leaveAll(): void {
    for (const roomId of this.places.keys()) this.giveUp(roomId)
  }

  private async inTurn<T>(roomId: RoomId, act: () => Promise<T>): Promise<T> {
    const before = this.turns.get(roomId) ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(act)
    this.turns.set(roomId, mine)
    try {
      return await mine
    } finally {
      if (this.turns.get(roomId) === mine) this.turns.delete(roomId)
    }
  }

  private giveUp(roomId: RoomId): void {
    if (!this.places.delete(roomId)) return
    void this.socket.leave(roomChannel(roomId))
    this.rooms.release(roomId)
  }

  private async joinOnce(roomId: RoomId, join: Join): Promise<Result<JoinedRoom, Refusal>> {
    if (!this.hasPlaceFor(roomId))
      return conflict(`A socket is in at most ${ROOMS_PER_SOCKET} rooms at once.`)
    this.entering.add(roomId)
    try {
      return await this.enterAndRead(roomId, join)
    } finally {
      this.entering.delete(roomId)
    }
  }

  private hasPlaceFor(roomId: RoomId): boolean {
    return (
      this.places.has(roomId) || new Set([...this.places.keys(), ...this.entering]).size < ROOMS_PER_SOCKET
    )
  }

  private async enterAndRead(roomId: RoomId, join: Join): Promise<Result<JoinedRoom, Refusal>> {
    const former = this.places.get(roomId)
    let place = former
    const enter = async (): Promise<void> => {
      place ??= await this.takePlace(roomId)
    }
    try {
      const result = await join(enter)
      if (!result.ok) {
        this.giveUp(roomId)
        return result
      }
      // Taken out while it was being read: what was read may be from before or after that.
      if (place === undefined || this.places.get(roomId) !== place)
        throw new PortUnavailable('Connection', new Error('the membership changed during the join'), 100)
      place.headSeq = result.value.headSeq
      return result
    } catch (error) {
      if (former === undefined) this.giveUp(roomId)
      throw error
    }
  }

  private async takePlace(roomId: RoomId): Promise<Place> {
    await this.rooms.hold(roomId)
    if (this.over) {
      this.rooms.release(roomId)
      throw new PortUnavailable('Connection', new Error('the socket has closed'))
    }
    const place: Place = { headSeq: null }
    this.places.set(roomId, place)
    await this.socket.join(roomChannel(roomId))
    return place
  }

  private expireAt(expiresAtMs: number): NodeJS.Timeout {
    const restMs = Math.max(0, expiresAtMs - Date.now()) + EXPIRY_GRACE_MS
    return setTimeout(() => this.end({ reason: 'expired' }), restMs).unref()
  }
}

/** The parts of Engine.IO's connection that end it at once; its types leave the transport's socket out. */
type Terminable = {
  readonly transport: { readonly socket?: { terminate?: () => void } }
  close(discard?: boolean): void
}

export function terminate(connection: RealtimeSocket['conn']): void {
  const { transport } = connection as unknown as Terminable
  if (transport.socket?.terminate !== undefined) transport.socket.terminate()
  else connection.close(true)
}
