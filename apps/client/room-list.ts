import { toParleyError } from './errors.js'
import type { Heads } from './heads.js'
import type { Requests } from './requests.js'
import { Store } from './store.js'
import type { RoomList, RoomListSnapshot } from './types.js'
import type { Pushes, RoomStanding } from './wire.js'

type Page = { readonly rooms: readonly RoomStanding[]; readonly nextCursor: string | null }
type Changed = Pushes['room:changed']

const PAGE = 200
/** More rooms than this are not listed. */
const PAGES_MAX = 10
const EMPTY: RoomListSnapshot = { status: 'unloaded', rooms: [], error: null }

/** The user's rooms: listed once, again after each reconnection, and kept up by `room:changed` in between. */
export class TrackedRooms implements RoomList {
  private readonly store = new Store(EMPTY)
  readonly subscribe = this.store.subscribe
  readonly getSnapshot = this.store.getSnapshot
  private loading: Promise<void> | null = null
  /** What was told while the list was being read is newer than the list. */
  private readonly told = new Map<string, Changed>()
  private epoch = {}

  constructor(
    private readonly requests: Requests,
    private readonly heads: Heads,
  ) {}

  load(): Promise<void> {
    this.loading ??= this.read(this.epoch).finally(() => {
      this.loading = null
    })
    return this.loading
  }

  /** There is a connection again, and what changed in between was told to nobody. */
  reload(): void {
    if (this.getSnapshot().status !== 'unloaded') void this.load().catch(() => undefined)
  }

  clear(): void {
    this.epoch = {}
    this.loading = null
    this.told.clear()
    this.store.set(EMPTY)
  }

  changed(change: Changed): void {
    this.heads.note(change.roomId, change.headSeq)
    if (this.getSnapshot().status === 'unloaded') return
    if (this.loading !== null) this.told.set(change.roomId, change)
    void this.apply(change, this.epoch).catch(() => undefined)
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
      this.store.set({ status: 'loaded', rooms, error: null })
      for (const change of [...this.told.values()]) await this.apply(change, epoch)
    } catch (thrown) {
      const error = toParleyError(thrown)
      if (this.epoch === epoch) this.store.set({ ...this.getSnapshot(), status: 'loaded', error })
      throw error
    }
  }

  private async apply(change: Changed, epoch: object): Promise<void> {
    const { roomId, role, headSeq, readSeq, unread } = change
    const { rooms } = this.getSnapshot()
    const known = rooms.find(({ room }) => room.id === roomId)
    if (role === null) return this.show(rooms.filter(({ room }) => room.id !== roomId))
    if (known !== undefined) {
      const next = { room: { ...known.room, headSeq }, role, readSeq, unread }
      return this.show(rooms.map((standing) => (standing === known ? next : standing)))
    }
    const { room } = await this.requests.http<Pick<RoomStanding, 'room'>>(
      `GET /rooms/${roomId}?minSeq=${headSeq}`,
    )
    const now = this.getSnapshot().rooms
    if (this.epoch === epoch && !now.some((standing) => standing.room.id === roomId))
      this.show([{ room, role, readSeq, unread }, ...now])
  }

  private show(rooms: readonly RoomStanding[]): void {
    this.store.set({ ...this.getSnapshot(), rooms })
  }
}
