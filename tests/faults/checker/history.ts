/**
 * The history of a run: what its clients did and saw, line by line. The checker judges the whole system from these lines
 * and nothing else, so what they leave out cannot be found.
 *
 * A file holds one JSON value a line: a header first, then lines of the other types in any order. `HistoryWriter` writes
 * them and takes answers and pushes as they came over the wire. What a workload owes:
 *
 * - Times are nanoseconds of one monotonic clock, `monotonicNs`, which is comparable between processes of one host.
 * - Names (`client`, `user`, `session`, `conn`, `instance`, `room`) are strings that never change their meaning within a
 *   run. `user`, `room` and `mid` are the server's ids. `client` is one device with one state; `session` is one login
 *   (any name for it); `conn` is one socket connection, with a new name after each reconnect; `instance` is the server
 *   process it leads to, which keeps its name when it is started again.
 * - Every call to a server is a line, whether the workload made it, or the SDK by itself (`room:join`, `room:sync`, a
 *   retry). The same send made twice, in parallel or in turn, is two calls with one `cmid`.
 * - The outcome of a call is `ok` (answered so), `fail` (definitely refused, or never left the client) or `info` (nobody
 *   knows: a time-out, a lost connection, `UNAVAILABLE`, `INTERNAL`, or no end before the run's). When in doubt, `info`.
 * - Every packet that a socket receives is a `recv` line, or one a log event in it. `conn` lines say when a socket became
 *   usable and when it was lost: when its client noticed, or when a fault cut it for good, whichever came first.
 * - Texts come from `bodyOf` and `editedBody`. A message is edited by one client at a time, and never with another text
 *   after an edit that ended in `info`: that edit could still take effect later, rightly.
 * - The last `render` line of a client and room has `full`. After the faults the run stays quiet for longer than the
 *   slowest bound, then reads `final` logs: of each room by one cold client, by each member at each instance, and by SQL.
 *
 * ## Bounds
 *
 * Times within which something must have happened, in ms, unless the header says otherwise (`BOUNDS_MS`): L7 2,000 (a read
 * without `minSeq`, and a push); L8 and L9 1,000 (the last thing that a removed member or an ended login is told; a write
 * of theirs is refused from the ack on); L10 20,000 after a disconnect, 60,000 where the process died, 1,000 after a
 * sign-out. While a fault line says `redis: 'away'`, L7, L8 and L9 have 5,000.
 *
 * A fault can make the bound of L7 or L10 meaningless, as a frozen Postgres does. Its line then lists it in `suspends`, and
 * the bound runs from the moment when the fault was healed. If its target is an instance or a client, that goes for what
 * these saw only. A `stall` line adds its length to the same two where their time overlaps it, because whatever came meanwhile
 * was noted down late; what overlaps a stall of more than a second is not judged. The other invariants have no allowance: no
 * fault and no stall widens them.
 */

import type { Answer, Entry, Observed, PresenceOf } from './answer.js'
import type { Suspendable } from './bounds.js'

export type { Answer, Entry, Observed, PresenceOf, Range } from './answer.js'
export type { Suspendable }

export const INVARIANTS = [
  'L1',
  'L2',
  'L3',
  'L4',
  'L5',
  'L6',
  'L7',
  'L8',
  'L9',
  'L10',
  'L11',
  'L12',
  'L13',
  'L14',
  'L15',
  'L16',
] as const
export type Invariant = (typeof INVARIANTS)[number]

export type Header = {
  readonly type: 'header'
  readonly run: string
  readonly seed: number
  /** Commit, versions, sizes, whatever is needed to repeat the run. */
  readonly configuration: Readonly<Record<string, unknown>>
  readonly instances: readonly string[]
  /** Invariants that this run cannot judge, and why. For any other, having checked nothing is a failure. */
  readonly outOfScope?: Readonly<Partial<Record<Invariant, string>>>
}

/** Who calls or receives. `conn` is null for a call over HTTP. */
export type Caller = {
  readonly client: string
  readonly user: string
  readonly session: string
  readonly conn: string | null
  readonly instance: string
}

/**
 * `send`, `edit`, `delete`; `join` (`room:join`: the socket wants the room's events), `leave` (`room:leave`), `sync` (the
 * room's log after a seq), `history` (a page of messages), `search`; `create` (a room), `accept` (of an invitation: from
 * here on a member), `remove` (of `subject`, who may be the caller); `login`, `revoke` (ends the logins in `ends`: a
 * sign-out, a changed password, a login ended by its user or an administrator), `presence` (who is there), `other`.
 */
export type CallKind =
  | 'send'
  | 'edit'
  | 'delete'
  | 'join'
  | 'leave'
  | 'sync'
  | 'history'
  | 'search'
  | 'create'
  | 'accept'
  | 'remove'
  | 'login'
  | 'revoke'
  | 'presence'
  | 'ai'
  | 'other'

/** What a call asks for. */
export type Request = {
  readonly f: CallKind
  readonly room?: string
  /** Of `send`. Unique per user and room; the same one always goes with the same body. */
  readonly cmid?: string
  /** Of `edit` and `delete`. */
  readonly mid?: string
  /** Of `send` and `edit`: the whole text. */
  readonly body?: string
  /** Of reads that carry it. */
  readonly minSeq?: number
  /** Of `remove`: the user who is no longer a member. */
  readonly subject?: string
  /** Of `revoke`: the sessions that no longer exist, `session` itself among them where it ends. */
  readonly ends?: readonly string[]
}

/** One call to a server, from its start to its outcome. */
export type Call = Caller &
  Request & {
    readonly type: 'ok' | 'fail' | 'info'
    readonly t_invoke: number
    readonly t_end: number
    /** Of `ok`. */
    readonly answer?: Answer
    /** Of `fail` and `info`: the contract's code, or the client's word for what happened. */
    readonly code?: string
    /** Of a `fail` or `info` that came with words of the server: every canary in them. */
    readonly canaries?: readonly string[]
  }

export type ConnectionLine = {
  readonly type: 'conn'
  readonly event: 'open' | 'close'
  readonly t: number
  readonly client: string
  readonly user: string
  readonly session: string
  readonly conn: string
  readonly instance: string
}

/** Something that a socket received: one log event of a `room:events`, or another server event. */
export type Received = {
  readonly type: 'recv'
  readonly t: number
  readonly client: string
  readonly user: string
  readonly session: string
  readonly conn: string
  readonly instance: string
  /** The name of the server event, as in the contract. */
  readonly event: string
  readonly room?: string
  /** Of `room:events`. */
  readonly entry?: Entry
  /** Of `presence`. */
  readonly presence?: PresenceOf
  /** Of `room:changed`: true if it tells the user that it is no longer a member. */
  readonly removed?: boolean
  readonly canaries?: readonly string[]
}

/**
 * What the store of a client shows of a room after a change. Only stored messages: what is still being sent is left out.
 */
export type Rendered = {
  readonly type: 'render'
  readonly t: number
  readonly client: string
  readonly user: string
  readonly instance: string
  readonly room: string
  /** The last contiguous seq that the store has. */
  readonly head: number
  /** What was added or changed since this client's last line of the room; with `full`, all that is shown, in its order. */
  readonly items: readonly Observed[]
  readonly full?: boolean
  /** How many messages are shown now. */
  readonly shown: number
}

export type NemesisLine = {
  readonly type: 'nemesis'
  /** As in FAULTS or docs/cases.md: `N1`, `P4`. */
  readonly fault: string
  /** An instance, a client, or any other word (`postgres`, `bus`). */
  readonly target: string
  readonly start: number
  /** When it was healed: the process is up again, the network whole. */
  readonly stop: number
  readonly suspends?: readonly Suspendable[]
  /** The process that is `target` died or was unable to say goodbye, so that its presence must lapse. */
  readonly kills?: boolean
  readonly redis?: 'away'
  /** Users must not notice it: L12 is judged around it. */
  readonly unnoticed?: boolean
}

/** A room's whole log as read after the run, from the beginning. */
export type FinalLog = {
  readonly type: 'final'
  readonly t: number
  readonly room: string
  /** `cold`: a client that was never there before; `member`: one more reading of it; `sql`: from the tables. */
  readonly source: 'cold' | 'member' | 'sql'
  readonly instance: string
  readonly user: string
  readonly head: number
  readonly entries: readonly Entry[]
}

/** The connections that were open at `t`, by the book of whoever opened them. */
export type SocketsLine = { readonly type: 'sockets'; readonly t: number; readonly open: readonly string[] }

/** The state of a server process, taken every second or so. */
export type Sample = {
  readonly type: 'sample'
  readonly t: number
  readonly instance: string
  readonly rssBytes: number
  readonly openFiles: number
  /** The worst delay of the event loop since the last sample. */
  readonly loopDelayMs: number
}

/** The process that hears for the clients stood still. */
export type StallLine = { readonly type: 'stall'; readonly start: number; readonly stop: number }

export type Line =
  | Header
  | Call
  | ConnectionLine
  | Received
  | Rendered
  | NemesisLine
  | FinalLog
  | SocketsLine
  | Sample
  | StallLine

/** A history in memory, each kind by itself, in the order of time. */
export type History = {
  readonly header: Header
  readonly calls: readonly Call[]
  readonly connections: readonly ConnectionLine[]
  readonly received: readonly Received[]
  readonly rendered: readonly Rendered[]
  readonly faults: readonly NemesisLine[]
  readonly finals: readonly FinalLog[]
  readonly sockets: readonly SocketsLine[]
  readonly samples: readonly Sample[]
  readonly stalls: readonly StallLine[]
}

/** Nanoseconds of the host's monotonic clock. Exact up to 104 days after it was started, then to 2 ns. */
export const monotonicNs = (): number => Number(process.hrtime.bigint())
