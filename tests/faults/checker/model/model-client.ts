import { bodyOf, editedBody } from '../bodies.js'
import type { Answer, Caller, Request } from '../history.js'
import { NS_PER_MS } from './clockwork.js'
import { ModelStore } from './model-store.js'
import type { Conn, ModelSystem, Outcome } from './model-system.js'

type Mine = { readonly room: string; readonly mid: string; body: string; busy: boolean }

/** Unique within a run. */
export type Counters = { conns: number; texts: number; tokens: number; sessions: number }

const isAnswer = (outcome: Outcome | null): outcome is Answer => outcome !== null && !('refused' in outcome)

/** A device of a user, which keeps its rooms up to date like the SDK does, and does what the workload wants. */
export class ModelClient {
  session = ''
  private conn: Conn | null = null
  private away = false
  private readonly stores = new Map<string, ModelStore>()
  private readonly mine: Mine[] = []

  constructor(
    private readonly system: ModelSystem,
    private readonly counters: Counters,
    readonly user: string,
    readonly client: string,
    private readonly rooms: string[],
  ) {
    this.logIn()
  }

  get isConnected(): boolean {
    return this.conn !== null
  }

  logIn(): void {
    this.counters.sessions += 1
    this.session = `s${this.counters.sessions}`
    this.call('login', {}, () => undefined, { sure: true })
  }

  connect(): void {
    const { system, counters, client, user, session } = this
    if (this.conn !== null || this.away || system.endedSessions.has(session)) return
    counters.conns += 1
    const conn: Conn = {
      client,
      user,
      session,
      conn: `k${counters.conns}`,
      instance: system.chance.pick(system.upInstances),
      open: true,
      lastArrival: 0,
      rooms: new Set(),
      onEntry: (room, entry) => this.show(room, this.store(room).apply([entry])),
      onLost: () => this.lost(),
      onGap: (room) => system.clock.after(system.chance.ns(100, 800), () => this.sync(room, conn)),
    }
    this.conn = conn
    system.connect(conn)
    for (const room of this.rooms) this.join(room)
  }

  /** For as long as `ms`, or for good. */
  disconnect(ms: number): void {
    if (this.conn === null) return
    this.away = true
    this.system.disconnect(this.conn, 15_000)
    this.system.clock.after(ms * NS_PER_MS, () => {
      this.away = false
      this.connect()
    })
  }

  enter(room: string): void {
    this.call('accept', { room }, (outcome) => {
      if (!isAnswer(outcome)) return
      if (!this.rooms.includes(room)) this.rooms.push(room)
      this.join(room)
    })
  }

  forget(room: string): void {
    if (this.rooms.includes(room)) this.rooms.splice(this.rooms.indexOf(room), 1)
    this.stores.delete(room)
  }

  join(room: string): void {
    const { conn } = this
    if (conn === null || !this.rooms.includes(room)) return
    const store = this.store(room)
    this.call('join', { room, minSeq: store.head }, (outcome) => {
      if (this.conn !== conn || this.stores.get(room) !== store) return
      if (outcome === null) this.join(room)
      if (!isAnswer(outcome)) return
      if (store.join(outcome)) this.showAll(room)
      this.show(room, store.apply(outcome.entries ?? []))
    })
  }

  leaveAndComeBack(room: string): void {
    const { conn } = this
    if (conn === null) return
    this.call('leave', { room }, () => {
      this.system.clock.after(this.system.chance.ns(100, 2_000), () => this.conn === conn && this.join(room))
    })
  }

  send(room: string): void {
    const { counters, system } = this
    counters.texts += 1
    const body = bodyOf(room, this.user, counters.texts)
    const cmid = `${this.client}-${counters.texts}`
    this.attempt({ room, cmid, body })
    // The same once more at the same time, by another way.
    if (system.chance.happens(0.08)) this.attempt({ room, cmid, body }, true)
  }

  edit(): void {
    const message = this.own()
    if (message === null) return
    this.counters.tokens += 1
    const body = editedBody(message.body, `e${this.counters.tokens}`)
    message.busy = true
    this.call('edit', { room: message.room, mid: message.mid, body }, (outcome) => {
      // What may still happen must not be overtaken: such a message is left alone.
      if (outcome === null) return
      if (isAnswer(outcome)) message.body = body
      message.busy = false
    })
  }

  delete(): void {
    const message = this.own()
    if (message === null) return
    message.busy = true
    this.call('delete', { room: message.room, mid: message.mid }, () => undefined)
  }

  read(room: string): void {
    const { chance } = this.system
    const minSeq = chance.happens(0.6) ? { minSeq: this.store(room).head } : {}
    this.call(
      chance.pick(['history', 'history', 'search', 'presence'] as const),
      { room, ...minSeq },
      () => undefined,
    )
  }

  remove(room: string, subject: string, then: () => void): void {
    this.call('remove', { room, subject }, (outcome) => isAnswer(outcome) && then())
  }

  revoke(ends: readonly string[], then: () => void): void {
    const done = (outcome: Outcome | null) => {
      if (outcome === null) this.system.clock.after(100 * NS_PER_MS, () => this.revoke(ends, then))
      else if (isAnswer(outcome)) then()
    }
    this.call('revoke', { ends }, done, { sure: true })
  }

  create(room: string): void {
    this.call('create', { room }, () => undefined, { sure: true })
    this.rooms.push(room)
  }

  /** All that is shown, once more. */
  showAll(room: string): void {
    const store = this.store(room)
    this.render(room, store.all, true)
  }

  get shownRooms(): string[] {
    return [...this.stores].flatMap(([room, { head }]) => (head > 0 ? [room] : []))
  }

  private store(room: string): ModelStore {
    const store = this.stores.get(room) ?? new ModelStore()
    this.stores.set(room, store)
    return store
  }

  private own(): Mine | null {
    const free = this.mine.filter(({ busy, room }) => !busy && this.rooms.includes(room))
    return free.length === 0 ? null : this.system.chance.pick(free)
  }

  private attempt(request: { room: string; cmid: string; body: string }, elsewhere = false): void {
    const { clock, chance } = this.system
    this.call(
      'send',
      request,
      (outcome) => {
        if (outcome === null && chance.happens(0.8))
          clock.after(chance.ns(100, 1_500), () => this.attempt(request, chance.happens(0.5)))
        if (!isAnswer(outcome)) return
        const [message] = outcome.messages ?? []
        if (message && !this.mine.some(({ mid }) => mid === message.mid))
          this.mine.push({ room: request.room, mid: message.mid, body: request.body, busy: false })
      },
      { elsewhere },
    )
  }

  private sync(room: string, conn: Conn): void {
    if (this.conn !== conn || !conn.rooms.has(room)) return
    this.call(
      'sync',
      { room, minSeq: this.store(room).head },
      (outcome) => {
        if (outcome === null) this.sync(room, conn)
        if (isAnswer(outcome)) this.show(room, this.store(room).apply(outcome.entries ?? []))
      },
      { sure: true },
    )
  }

  private lost(): void {
    this.conn = null
    const { clock, chance } = this.system
    clock.after(chance.ns(100, 2_000), () => this.connect())
  }

  private call(
    f: Request['f'],
    request: Omit<Request, 'f'>,
    done: (outcome: Outcome | null) => void,
    { elsewhere = false, sure = false } = {},
  ): void {
    const { client, user, session, conn, system } = this
    const instance = elsewhere || conn === null ? system.chance.pick(system.upInstances) : conn.instance
    const caller: Caller = { client, user, session, conn: elsewhere ? null : (conn?.conn ?? null), instance }
    system.call(caller, { f, ...request }, done, sure)
  }

  private show(room: string, changed: ReturnType<ModelStore['apply']>): void {
    if (changed.length > 0) this.render(room, changed, false)
  }

  private render(room: string, items: ReturnType<ModelStore['apply']>, full: boolean): void {
    const { client, user, conn, system } = this
    const { head, count } = this.store(room)
    const instance = conn?.instance ?? 'none'
    const line = { type: 'render', t: system.clock.now, client, user, instance, room, head, items } as const
    system.log({ ...line, shown: count, ...(full ? { full } : {}) })
  }
}
