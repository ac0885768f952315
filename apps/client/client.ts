import { io } from 'socket.io-client'
import { environmentOf } from './environment.js'
import { ParleyError } from './errors.js'
import { Heads } from './heads.js'
import { Endpoint, Http } from './http.js'
import { Link } from './link.js'
import { LoginKeeper } from './login-keeper.js'
import { Observer } from './observer.js'
import type { ClientOptions, Environment, SocketFactory } from './options.js'
import { StoredOutbox } from './outbox.js'
import { Requests } from './requests.js'
import { OpenRoom } from './room.js'
import { TrackedRooms } from './room-list.js'
import { memoryStorage } from './storage.js'
import { StoredLogin } from './stored-login.js'
import type {
  NewRoom,
  Observable,
  ParleyClient,
  RequestOptions,
  RoomHandle,
  SessionSnapshot,
} from './types.js'
import { wakeOnReturn } from './wake.js'
import type {
  Answer,
  Member,
  Message,
  Payload,
  Profile,
  Pushes,
  PushName,
  Role,
  Room,
  Session,
  SocketCall,
  User,
} from './wire.js'

const DEADLINE_MS = 15_000
const MESSAGES_KEPT = 2_000

/** Makes a client that is neither signed in nor connected yet. */
export const createClient = (options: ClientOptions): ParleyClient => new Client(options)

class Client implements ParleyClient {
  readonly session: Observable<SessionSnapshot>
  readonly connection: Link['state']
  readonly outbox: StoredOutbox
  readonly rooms: TrackedRooms
  private readonly environment: Environment
  private readonly heads = new Heads()
  private readonly keeper: LoginKeeper
  private readonly link: Link
  private readonly requests: Requests
  private readonly open = new Map<string, { readonly room: OpenRoom; handles: number }>()
  private readonly stops: (() => void)[]
  /** Of the login that is being served. */
  private served: string | null = null
  private userId: string | null = null
  private isClosed = false

  constructor(private readonly options: ClientOptions) {
    const { transport = 'token', storage = memoryStorage(), deadlineMs = DEADLINE_MS } = options
    const environment = environmentOf(options.environment)
    const observer = new Observer(options.observe, environment)
    const endpoint = new Endpoint(options.url)
    const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init))
    const http = new Http({ endpoint, fetch, environment, observer, transport })
    this.environment = environment
    this.keeper = new LoginKeeper({ http, stored: new StoredLogin(storage), environment, transport })
    this.link = new Link({
      endpoint,
      keeper: this.keeper,
      environment,
      observer,
      factory: options.socket ?? (io as unknown as SocketFactory),
      socketOptions: options.socketOptions ?? {},
    })
    const { link, keeper, heads } = this
    this.requests = new Requests({ link, http, keeper, heads, environment, deadlineMs })
    const onDelivered = (message: Message): void => this.acked(message)
    this.outbox = new StoredOutbox({ link, storage, environment, onDelivered })
    this.rooms = new TrackedRooms(this.requests, heads)
    this.session = keeper.session
    this.connection = link.state
    this.stops = [
      keeper.session.subscribe(() => this.serve()),
      link.listen({
        onOpen: () => this.opened(),
        onClosed: () => this.lost(),
        onPush: (name, payload) => this.receive(name, payload),
      }),
      wakeOnReturn(() => this.link.hurry()),
    ]
  }

  signUp(account: {
    readonly email: string
    readonly password: string
    readonly displayName: string
  }): Promise<User> {
    return this.unlessClosed(() => this.keeper.open('/auth/sign-up', account))
  }

  signIn(credentials: { readonly email: string; readonly password: string }): Promise<User> {
    return this.unlessClosed(() => this.keeper.open('/auth/sign-in', credentials))
  }

  resume(): Promise<User | null> {
    return this.unlessClosed(() => this.keeper.resume())
  }

  async signOut({ discardOutbox = false }: { readonly discardOutbox?: boolean } = {}): Promise<void> {
    if (discardOutbox && this.served !== null) await this.outbox.discardAll()
    await this.keeper.signOut()
  }

  profile(): Promise<Profile> {
    return this.http('GET /me')
  }

  updateProfile(change: {
    readonly displayName?: string
    readonly mediation?: 'on' | 'off'
  }): Promise<Profile> {
    return this.http('PATCH /me', change)
  }

  async sessions(): Promise<readonly Session[]> {
    return (await this.http<{ sessions: Session[] }>('GET /auth/sessions')).sessions
  }

  async endSession(sessionId: string): Promise<void> {
    await this.http(`DELETE /auth/sessions/${sessionId}`)
  }

  openRoom(roomId: string): RoomHandle {
    const { userId } = this
    if (userId === null) throw new ParleyError('SIGNED_OUT', 'Nobody is signed in.')
    const present = this.open.get(roomId)
    if (present !== undefined && present.room.getSnapshot().status !== 'ended') {
      present.handles += 1
      return present.room
    }
    const room: OpenRoom = new OpenRoom({
      roomId,
      userId,
      link: this.link,
      heads: this.heads,
      requests: this.requests,
      outbox: this.outbox,
      environment: this.environment,
      deadlineMs: this.options.deadlineMs ?? DEADLINE_MS,
      messagesKept: this.options.messagesKept ?? MESSAGES_KEPT,
      onRoom: (told) => this.rooms.updated(told),
      onClose: () => this.closeRoom(room),
    })
    this.open.set(roomId, { room, handles: 1 })
    return room
  }

  async createRoom(room: NewRoom): Promise<Room> {
    const body = { ...room, clientId: this.environment.newId() }
    return (await this.http<{ room: Room }>('POST /rooms', body, { repeat: true })).room
  }

  async updateRoom(roomId: string, change: Omit<Partial<NewRoom>, 'kind'>): Promise<Room> {
    return (await this.http<{ room: Room }>(`PATCH /rooms/${roomId}`, change)).room
  }

  invite(
    roomId: string,
    invitation: { readonly role?: Role; readonly expiresInS?: number; readonly maxUses?: number } = {},
  ): Promise<{ readonly code: string; readonly expiresAt: string }> {
    const body = { ...invitation, clientId: this.environment.newId() }
    return this.http(`POST /rooms/${roomId}/invitations`, body, { repeat: true })
  }

  async revokeInvitation(roomId: string, code: string): Promise<void> {
    await this.http(`DELETE /rooms/${roomId}/invitations/${code}`)
  }

  async acceptInvitation(code: string): Promise<Room> {
    // Whoever is a member by then is answered the room, and no use of the code is counted.
    const answer = await this.http<{ room: Room }>(`POST /invitations/${code}/accept`, {}, { repeat: true })
    this.heads.note(answer.room.id, answer.room.headSeq)
    return answer.room
  }

  async removeMember(roomId: string, userId: string): Promise<void> {
    await this.http(`DELETE /rooms/${roomId}/members/${userId}`)
  }

  async changeRole(roomId: string, userId: string, role: Role): Promise<Member> {
    const answer = await this.http<{ member: Member }>(`PATCH /rooms/${roomId}/members/${userId}`, { role })
    return answer.member
  }

  async setPresence(state: 'online' | 'away'): Promise<void> {
    await this.request('presence:set', { state }, { repeat: true })
  }

  request<C extends SocketCall>(call: C, payload: Payload<C>, options?: RequestOptions): Promise<Answer<C>> {
    return this.requests.socket(call, payload, options)
  }

  http<T>(route: string, body?: unknown, options?: RequestOptions): Promise<T> {
    return this.requests.http(route, body, options)
  }

  reconnect(): void {
    this.link.restart('reconnect')
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const stop of this.stops) stop()
    const closed = new ParleyError('CLOSED', 'The client was closed.')
    this.stopServing(closed)
    this.requests.stop(closed)
    this.keeper.close()
  }

  /** Another login than before, or none. */
  private serve(): void {
    const { key, session } = this.keeper
    if (key === this.served) return
    const { user } = session.getSnapshot()
    this.stopServing(new ParleyError('SIGNED_OUT', 'Nobody is signed in.'))
    if (key === null || user === null) return
    this.served = key
    this.userId = user.id
    this.outbox.open(user.id)
    this.link.start(key)
  }

  private stopServing(error: ParleyError): void {
    if (this.served === null) return
    this.served = null
    this.userId = null
    this.link.stop(error)
    this.requests.stop(error)
    this.outbox.close()
    for (const { room } of this.open.values()) room.dispose(error)
    this.open.clear()
    this.rooms.clear()
    this.heads.clear()
  }

  private opened(): void {
    for (const { room } of this.open.values()) room.enter()
    this.outbox.wake()
    this.rooms.reload()
  }

  private lost(): void {
    for (const { room } of this.open.values()) room.leave()
    this.outbox.sleep()
  }

  private receive<N extends PushName>(name: N, payload: Pushes[N]): void {
    // A later version of the server may push what has no payload.
    if (typeof payload !== 'object' || payload === null) return
    if (name === 'room:changed') this.rooms.changed(payload as Pushes['room:changed'])
    if ('roomId' in payload) this.open.get(payload.roomId)?.room.receive(name, payload)
  }

  private acked(message: Message): void {
    this.heads.note(message.roomId, message.seq)
    const item = this.outbox.getSnapshot().find((one) => one.clientMessageId === message.clientMessageId)
    this.open.get(message.roomId)?.room.acked(message, item)
  }

  private closeRoom(room: OpenRoom): void {
    const entry = this.open.get(room.roomId)
    if (entry?.room !== room) return
    entry.handles -= 1
    if (entry.handles > 0) return
    this.open.delete(room.roomId)
    room.dispose(new ParleyError('CLOSED', 'The room was closed.'))
    this.link.emit('room:leave', { roomId: room.roomId }, DEADLINE_MS).catch(() => undefined)
  }

  private unlessClosed<T>(run: () => Promise<T>): Promise<T> {
    if (this.isClosed) return Promise.reject(new ParleyError('CLOSED', 'The client was closed.'))
    return run()
  }
}
