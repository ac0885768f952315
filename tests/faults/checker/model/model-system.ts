import { canariesIn } from '../bodies.js'
import type { Answer, Call, Caller, Entry, Line, PresenceOf, Received, Request } from '../history.js'
import { type Chance, type Clockwork, NS_PER_MS } from './clockwork.js'
import { ModelRoom } from './model-room.js'

/** One socket, as the system and its client know it. */
export type Conn = Caller & {
  readonly conn: string
  open: boolean
  /** Pushes arrive in the order in which they were made. */
  lastArrival: number
  readonly rooms: Set<string>
  readonly onEntry: (room: string, entry: Entry) => void
  readonly onLost: () => void
  /** Asks the client to look for what it missed. */
  readonly onGap: (room: string) => void
}

export type Outcome = Answer | { readonly refused: string }

export const INSTANCES = ['i1', 'i2', 'i3'] as const
const TIME_OUT_MS = 5_000
/** Chances that make the history rich. */
const LOST_ANSWER = 0.02
const LOST_PUSH = 0.03

/** A system that keeps every promise, with faults that it survives. */
export class ModelSystem {
  readonly rooms = new Map<string, ModelRoom>()
  readonly conns = new Set<Conn>()
  readonly endedSessions = new Set<string>()
  /** Postgres answers nobody before this. */
  frozenUntil = 0
  /** Answers and pushes get lost now and then. */
  loses = true
  private readonly lags = new Map<string, number>()
  private readonly deaths = new Map<string, number>()
  private readonly down = new Set<string>()
  /** By user: until when they are shown as there after their last socket was lost. */
  private readonly shownUntil = new Map<string, number>()
  private mids = 0

  constructor(
    readonly clock: Clockwork,
    readonly chance: Chance,
    readonly log: (line: Line) => void,
  ) {
    for (const instance of INSTANCES) this.lags.set(instance, chance.ns(0, 1_500))
  }

  get upInstances(): string[] {
    return INSTANCES.filter((instance) => !this.down.has(instance))
  }

  /** A call, from its line's beginning to its end. `done` gets null for what the client cannot know. */
  call(caller: Caller, request: Request, done: (outcome: Outcome | null) => void, sure = false): void {
    const { clock, chance } = this
    const invoked = clock.now
    const deaths = this.deaths.get(caller.instance) ?? 0
    const died = () => this.down.has(caller.instance) || (this.deaths.get(caller.instance) ?? 0) !== deaths
    let ended = false
    const end = (type: Call['type'], rest: Partial<Call>, outcome: Outcome | null) => {
      if (ended) return
      ended = true
      const { client, user, session, conn, instance } = caller
      const line = { client, user, session, conn, instance, ...request, t_invoke: invoked, t_end: clock.now }
      this.log({ ...line, type, ...rest })
      done(outcome)
    }
    const answer = (outcome: Outcome) => {
      if (died()) end('info', { code: 'DISCONNECTED' }, null)
      else if ('refused' in outcome) end('fail', { code: outcome.refused }, outcome)
      else end('ok', { answer: { ...outcome, canaries: canariesIn(outcome) } }, outcome)
    }
    const lost = this.loses && !sure && chance.happens(LOST_ANSWER)
    const work = () => {
      if (clock.now < this.frozenUntil) clock.at(this.frozenUntil + chance.ns(1, 20), work)
      else if (died()) end('info', { code: 'DISCONNECTED' }, null)
      else {
        const outcome = this.process(caller, request)
        if (!lost) clock.after(chance.ns(1, 15), () => answer(outcome))
      }
    }
    clock.after(chance.ns(1, 15), work)
    clock.after(TIME_OUT_MS * NS_PER_MS, () => end('info', { code: 'TIMED_OUT' }, null))
  }

  connect(conn: Conn): void {
    this.conns.add(conn)
    this.logConn('open', conn)
    this.tellPresence(conn.user)
  }

  /** The socket is gone, and its client knows. `lingersMs`: how long others may still see the user. */
  disconnect(conn: Conn, lingersMs: number): void {
    if (!conn.open) return
    conn.open = false
    this.conns.delete(conn)
    this.logConn('close', conn)
    const until = this.clock.now + this.chance.ns(0, lingersMs)
    this.shownUntil.set(conn.user, Math.max(this.shownUntil.get(conn.user) ?? 0, until))
    this.clock.at(until, () => this.tellPresence(conn.user))
    conn.onLost()
  }

  kill(instance: string): void {
    this.down.add(instance)
    this.deaths.set(instance, (this.deaths.get(instance) ?? 0) + 1)
    for (const conn of [...this.conns]) if (conn.instance === instance) this.disconnect(conn, 50_000)
  }

  restart(instance: string): void {
    this.down.delete(instance)
  }

  private logConn(event: 'open' | 'close', { client, user, session, conn, instance }: Conn): void {
    this.log({ type: 'conn', event, t: this.clock.now, client, user, session, conn, instance })
  }

  private process(caller: Caller, request: Request): Outcome {
    const { user, session } = caller
    const { f, room: id = '' } = request
    if (this.endedSessions.has(session)) return { refused: 'UNAUTHENTICATED' }
    if (f === 'revoke') return this.revoke(request.ends ?? [])
    if (f === 'create') this.rooms.set(id, new ModelRoom(id))
    const room = this.rooms.get(id)
    if (room === undefined) return { refused: 'NOT_FOUND' }
    if (f === 'create' || f === 'accept') {
      if (!room.members.has(user)) this.commit(caller, room, { event: 'member.joined', subject: user })
      return {}
    }
    if (!room.members.has(user)) return { refused: 'NOT_FOUND' }
    return this.write(caller, room, request) ?? this.read(caller, room, request)
  }

  private revoke(sessions: readonly string[]): Outcome {
    for (const session of sessions) this.endedSessions.add(session)
    for (const conn of [...this.conns]) {
      if (!sessions.includes(conn.session)) continue
      conn.rooms.clear()
      this.push(conn, { event: 'session:ended' }, () => this.disconnect(conn, 500))
    }
    return {}
  }

  private write(caller: Caller, room: ModelRoom, request: Request): Outcome | null {
    const { user } = caller
    const { f, cmid = '', mid = '', body = '', subject = user } = request
    if (f === 'remove') {
      if (!room.members.has(subject)) return { refused: 'NOT_FOUND' }
      this.commit(caller, room, { event: 'member.left', subject })
      return {}
    }
    if (f === 'send') {
      const known = room.find(user, cmid)
      if (known === null) {
        this.mids += 1
        this.commit(caller, room, { event: 'message.sent', mid: `m${this.mids}` }, { body, cmid })
      }
      return { messages: [room.message(room.find(user, cmid) ?? '', room.head)] }
    }
    if (f !== 'edit' && f !== 'delete') return null
    const now = room.ownerOf(mid) === user ? room.message(mid, room.head) : null
    if (now === null || (f === 'edit' && now.deleted)) return { refused: 'NOT_FOUND' }
    if (f === 'edit' && now.body !== body)
      this.commit(caller, room, { event: 'message.edited', mid }, { body })
    if (f === 'delete' && !now.deleted) this.commit(caller, room, { event: 'message.deleted', mid })
    return { messages: [room.message(mid, room.head)] }
  }

  private read(caller: Caller, room: ModelRoom, { f, minSeq = 0, mid }: Request): Outcome {
    if (f === 'sync') return this.logAfter(room, minSeq)
    const lag = this.lags.get(caller.instance) ?? 0
    const head = Math.max(minSeq, room.headAt(caller.instance, this.clock.now, lag))
    if (f === 'presence') return { head, ...this.presence(room) }
    if (f === 'history') return room.page(head, mid === undefined ? undefined : room.message(mid, head).seq)
    if (f === 'search') {
      const { messagesRange: _, ...found } = room.page(head)
      return found
    }
    const conn = [...this.conns].find((each) => each.conn === caller.conn)
    if (f === 'leave') conn?.rooms.delete(room.id)
    if (f !== 'join') return {}
    conn?.rooms.add(room.id)
    const presence = this.presence(room)
    if (minSeq === 0) return { ...room.page(room.head), ...presence }
    return { ...this.logAfter(room, minSeq), ...presence }
  }

  /** Whoever repairs a gap gets the present. */
  private logAfter(room: ModelRoom, since: number): Answer {
    const { head } = room
    return { head, entries: room.entries(since, head), entriesRange: { from: since + 1, to: head } }
  }

  private commit(
    { user, instance }: Caller,
    room: ModelRoom,
    row: { readonly event: string; readonly mid?: string; readonly subject?: string },
    change: { readonly body?: string; readonly cmid?: string } = {},
  ): void {
    const entry = room.append({ ...row, actor: user, t: this.clock.now, instance }, change)
    for (const conn of this.conns) {
      if (!conn.rooms.has(room.id)) continue
      const leaves = row.event === 'member.left' && row.subject === conn.user
      if (!leaves && this.loses && this.chance.happens(LOST_PUSH)) conn.onGap(room.id)
      else this.pushEntry(conn, room.id, entry)
      if (leaves) conn.rooms.delete(room.id)
    }
    if (row.event === 'member.left') this.tellRemoved(room.id, row.subject ?? '')
  }

  private tellRemoved(room: string, user: string): void {
    for (const conn of this.conns)
      if (conn.user === user) this.push(conn, { event: 'room:changed', room, removed: true })
  }

  private pushEntry(conn: Conn, room: string, entry: Entry): void {
    this.push(conn, { event: 'room:events', room, entry, canaries: canariesIn(entry) }, () =>
      conn.onEntry(room, entry),
    )
  }

  private push(
    conn: Conn,
    what: Pick<Received, 'event' | 'room' | 'entry' | 'presence' | 'removed' | 'canaries'>,
    then: () => void = () => undefined,
  ): void {
    const arrival = Math.max(conn.lastArrival + 1, this.clock.now + this.chance.ns(1, 700))
    conn.lastArrival = arrival
    const { client, user, session, conn: name, instance } = conn
    this.clock.at(arrival, () => {
      if (!conn.open) return
      this.log({ type: 'recv', t: arrival, client, user, session, conn: name, instance, ...what })
      then()
    })
  }

  private stateOf(user: string): PresenceOf {
    const there = [...this.conns].some((conn) => conn.user === user)
    const lingers = (this.shownUntil.get(user) ?? 0) > this.clock.now
    return { user, state: there || lingers ? 'online' : 'offline' }
  }

  private presence(room: ModelRoom): Pick<Answer, 'presence' | 'presenceComplete'> {
    return { presence: [...room.members].map((user) => this.stateOf(user)), presenceComplete: true }
  }

  /** What is pushed is the present, so that the last push is right. */
  private tellPresence(user: string): void {
    for (const room of this.rooms.values()) {
      if (!room.members.has(user)) continue
      for (const conn of this.conns)
        if (conn.rooms.has(room.id))
          this.push(conn, { event: 'presence', room: room.id, presence: this.stateOf(user) })
    }
  }
}
