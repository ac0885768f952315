import { groupBy } from '../../checker/grouping.js'
import type { Call, History } from '../../checker/history.js'
import type { Check } from '../fault.js'
import type { Experience } from './experience.js'

export const NOTICED = 'no call fails that a user would see'

/** What only says something about the caller, if it is true. */
const OF_ACCESS = new Set(['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED'])
const OF_THE_CALLER = new Set(['VALIDATION_FAILED', 'CONFLICT'])
/** A socket that its client left, or that ended with its login; the SDK asks again unseen. */
const OF_THE_CONNECTION = new Set(['DISCONNECTED', 'NO_ACK', 'NOT_SENT'])

/**
 * L12 as far as single calls can tell: none fails but those of people who have no access, or whose access was taken away before, and
 * those of sockets that were left, or of rooms that the same socket left meanwhile. So a member who is taken for a stranger counts as much as a server that has no answer.
 */
export function noticed(history: History): Check {
  const access = new Access(history.calls)
  const failed = history.calls.filter(
    (call) => call.type !== 'ok' && !isDeserved(call, access) && !isLeftMeanwhile(call, history.calls),
  )
  return {
    name: NOTICED,
    checked: history.calls.length,
    violations: failed.map(
      ({ f, client, instance, code, room }) =>
        `${f} of ${client} at ${instance}: ${code}${room === undefined ? '' : ` in ${room}`}`,
    ),
    seen: `${failed.length} of ${history.calls.length}`,
  }
}

function isDeserved(call: Call, access: Access): boolean {
  const { code = '', conn } = call
  if (OF_THE_CALLER.has(code)) return true
  if (OF_THE_CONNECTION.has(code)) return conn !== null
  return OF_ACCESS.has(code) && !access.isCertain(call)
}

/** A join that is overtaken by the leave of its own client fails for the good of both. */
const isLeftMeanwhile = ({ f, conn, room, t_invoke, t_end }: Call, calls: readonly Call[]): boolean =>
  f === 'join' &&
  conn !== null &&
  calls.some(
    (leave) =>
      leave.f === 'leave' &&
      leave.conn === conn &&
      leave.room === room &&
      leave.t_invoke >= t_invoke &&
      leave.t_invoke < t_end,
  )

/** Who is known to have had access throughout a call. */
class Access {
  private readonly accepted: ReadonlyMap<string, readonly Call[]>
  private readonly removed: ReadonlyMap<string, readonly Call[]>
  private readonly endings: ReadonlyMap<string, number>

  constructor(calls: readonly Call[]) {
    const key = (user: string | undefined, room: string | undefined) => `${user} ${room}`
    this.accepted = groupBy(
      calls.filter(({ f, type }) => f === 'accept' && type === 'ok'),
      ({ user, room }) => key(user, room),
    )
    this.removed = groupBy(
      calls.filter(({ f }) => f === 'remove'),
      ({ subject, room }) => key(subject, room),
    )
    const endings = new Map<string, number>()
    for (const { ends = [], t_invoke } of calls)
      for (const session of ends) endings.set(session, Math.min(t_invoke, endings.get(session) ?? t_invoke))
    this.endings = endings
  }

  isCertain({ code, user, room, session, t_invoke, t_end }: Call): boolean {
    if ((this.endings.get(session) ?? Number.POSITIVE_INFINITY) < t_end) return false
    // Everybody in a run has a login.
    if (code === 'UNAUTHENTICATED') return true
    const entry = this.accepted.get(`${user} ${room}`)?.findLast((accept) => accept.t_end < t_invoke)
    if (entry === undefined) return false
    const removals = this.removed.get(`${user} ${room}`) ?? []
    return !removals.some((removal) => removal.t_invoke < t_end && removal.t_end > entry.t_invoke)
  }
}

/** L12: by the p99 of all clients to whom a message was pushed. */
export function deliveredInTime({ delivery: { during, after } }: Experience, withinMs: number): Check {
  const phases = [
    ['during the fault', during],
    ['after it', after],
  ] as const
  return {
    name: `messages are pushed within ${withinMs} ms (p99)`,
    checked: (during?.count ?? 0) + (after?.count ?? 0),
    violations: phases.flatMap(([when, latency]) =>
      latency !== null && latency.p99Ms > withinMs ? [`${Math.round(latency.p99Ms)} ms ${when}`] : [],
    ),
    seen: phases.map(([when, latency]) => `${latency?.p99Ms.toFixed(0) ?? '–'} ms ${when}`).join(', '),
  }
}
