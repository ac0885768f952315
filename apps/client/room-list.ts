import { toParleyError } from './errors.js'
import type { Heads } from './heads.js'
import type { Requests } from './requests.js'
import { Store } from './store.js'
import type { RoomList, RoomListSnapshot } from './types.js'
import type { Pushes, Room, RoomStanding } from './wire.js'

type Page = { readonly rooms: readonly RoomStanding[]; readonly nextCursor: string | null }
type Changed = Pushes['room:changed']

const PAGE = 200
/** More rooms than this are not listed. */
const PAGES_MAX = 10
const EMPTY: RoomListSnapshot = { status: 'unloaded', rooms: [], error: null }

/** The user's rooms: listed once, again after each reconnection, and kept up by what is pushed in between. */
export class TrackedRooms implements RoomList {
  private readonly store = new Store(EMPTY)
  readonly subscribe = this.store.subscribe
  readonly getSnapshot = this.store.getSnapshot
  private loading: Promise<void> | null = null
  /** What was told while the list was being read is newer than the list. */
  private readonly told = new Map<string, Changed>()
  /** The newest change of each room that is being read because the list does not have it. */
  private readonly reading = new Map<string, Changed>()
  /** Rooms as those that are open know them, each as of its `headSeq`. */
  private readonly open = new Map<string, Room>()
  private epoch = {}

  constructor(
    private readonly requests: Requests,
    private readonly heads: Heads,
  ) {}

  load(): Promise<void> {
    if (this.loading !== null) return this.loading
    const loading = this.read(this.epoch).finally(() => {
      if (this.loading === loading) this.loading = null
    })
    this.loading = loading
    return loading
  }

  /** There is a connection again, and what changed in between was told to nobody. */
  reload(): void {
    if (this.getSnapshot().status === 'unloaded') return
    const { epoch } = this
    const again = (): Promise<void> | null => (this.epoch === epoch ? this.load() : null)
    // What is being read may have been read before the cut.
    const before = this.loading?.catch(() => undefined) ?? Promise.resolve()
    void before.then(again).catch(() => undefined)
  }

  clear(): void {
    this.epoch = {}
    this.loading = null
    this.told.clear()
    this.reading.clear()
    this.open.clear()
    this.store.set(EMPTY)
  }

  changed(change: Changed): void {
    this.heads.note(change.roomId, change.headSeq)
    if (this.getSnapshot().status === 'unloaded') return
    if (this.loading !== null) this.told.set(change.roomId, change)
    this.apply(change)
  }

  /** An open room has got other settings, or was joined. */
  updated(room: Room): void {
    this.open.set(room.id, room)
    const { rooms } = this.getSnapshot()
    if (!rooms.some((standing) => standing.room.id === room.id && isOther(standing.room, room))) return
    this.show(
      rooms.map((standing) => {
        if (standing.room.id !== room.id) return standing
        const headSeq = Math.max(standing.room.headSeq, room.headSeq)
        return { ...standing, room: { ...room, headSeq } }
      }),
    )
  }

  private async read(epoch: object): Promise<void> {
    this.store.set({ ...this.getSnapshot(), status: 'loading' })
    this.told.clear()
    try {
      const rooms: RoomStanding[] = []
      let cursor: string | null = null
      for (let pages = 0; pages === 0 || (cursor !== null && pages < PAGES_MAX); pages += 1) {
        const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: Page = await this.requests.http(`GET /rooms?limit=${PAGE}${query}`)
        rooms.push(...page.rooms)
        cursor = page.nextCursor
      }
      if (this.epoch !== epoch) return
      for (const { room } of rooms) this.heads.note(room.id, room.headSeq)
      const newest = rooms.map((standing) => ({ ...standing, room: this.newest(standing.room) }))
      this.store.set({ status: 'loaded', rooms: newest, error: null })
      for (const change of [...this.told.values()]) this.apply(change)
    } catch (thrown) {
      const error = toParleyError(thrown)
      if (this.epoch === epoch) this.store.set({ ...this.getSnapshot(), status: 'loaded', error })
      throw error
    }
  }

  private apply(change: Changed): void {
    const { roomId, role, headSeq, readSeq, unread } = change
    const { rooms } = this.getSnapshot()
    if (this.reading.has(roomId)) this.reading.set(roomId, change)
    const known = rooms.find(({ room }) => room.id === roomId)
    if (role === null) this.show(rooms.filter((standing) => standing !== known))
    else if (known !== undefined) {
      const next = { room: { ...known.room, headSeq }, role, readSeq, unread }
      this.show(rooms.map((standing) => (standing === known ? next : standing)))
    } else if (!this.reading.has(roomId)) void this.add(change, this.epoch)
  }

  /** Reads a room that the list does not have, and shows it as the newest change by then tells. */
  private async add(change: Changed, epoch: object): Promise<void> {
    const { roomId, headSeq } = change
    this.reading.set(roomId, change)
    const route = `GET /rooms/${roomId}?minSeq=${headSeq}`
    const answer = await this.requests.http<Pick<RoomStanding, 'room'>>(route).catch(() => null)
    if (this.epoch !== epoch) return
    const newest = this.reading.get(roomId) ?? change
    this.reading.delete(roomId)
    const { role, readSeq, unread } = newest
    const { rooms } = this.getSnapshot()
    const isListed = rooms.some(({ room }) => room.id === roomId)
    if (answer !== null && role !== null && !isListed)
      this.show([{ room: this.newest(answer.room), role, readSeq, unread }, ...rooms])
    // The room was left meanwhile and entered again, or the list was read.
    if (newest !== change) this.apply(newest)
  }

  /** What was read may be older than what an open room was told. */
  private newest(read: Room): Room {
    const told = this.open.get(read.id)
    return told === undefined || told.headSeq <= read.headSeq ? read : { ...told, headSeq: read.headSeq }
  }

  private show(rooms: readonly RoomStanding[]): void {
    this.store.set({ ...this.getSnapshot(), rooms })
  }
}

const isOther = (one: Room, other: Room): boolean =>
  JSON.stringify({ ...one, headSeq: 0 }) !== JSON.stringify({ ...other, headSeq: 0 })
