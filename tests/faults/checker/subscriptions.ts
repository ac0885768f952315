import { groupBy } from './grouping.js'
import type { Call, ConnectionLine, History } from './history.js'

/** A socket that gets a room's events: from the answer to its `join` to whatever ended that. */
export type Subscription = {
  readonly join: Call
  readonly room: string
  readonly conn: string
  /** What the answer to the join covered; later events are owed. */
  readonly head: number
  readonly from: number
  /** Nothing is owed any more from here on. */
  readonly to: number
}

/** When the run was over: what was open then is closed later without that meaning anything. */
export function endOf({ calls, received, connections, sockets, rendered }: History): number {
  const book = sockets.at(-1)
  if (book !== undefined) return book.t
  const lasts = [received, connections, rendered].map((lines) => lines.at(-1)?.t ?? 0)
  return calls.reduce((end, { t_end }) => Math.max(end, t_end), Math.max(...lasts))
}

export function subscriptionsOf(history: History): Subscription[] {
  const closed = new Map<string, number>()
  const close = (conn: string, t: number) => closed.set(conn, Math.min(closed.get(conn) ?? Infinity, t))
  for (const { event, conn, t } of history.connections) if (event === 'close') close(conn, t)
  const bySession = groupBy(history.connections, ({ session }) => session)
  for (const call of history.calls)
    if (call.f === 'revoke' && call.type !== 'fail')
      for (const session of call.ends ?? [])
        for (const { conn } of bySession.get(session) ?? []) close(conn, call.t_invoke)
  const end = endOf(history)
  const subscriptions: Subscription[] = []
  const comings = history.calls.filter(({ f, conn }) => (f === 'join' || f === 'leave') && conn !== null)
  for (const calls of groupBy(comings, ({ conn, room }) => `${conn} ${room}`).values())
    for (const [at, join] of calls.entries()) {
      const { conn, room, answer, t_end } = join
      if (join.f !== 'join' || join.type !== 'ok' || conn === null || room === undefined) continue
      const to = Math.min(calls[at + 1]?.t_invoke ?? end, closed.get(conn) ?? end, end)
      subscriptions.push({ join, room, conn, head: answer?.head ?? 0, from: t_end, to })
    }
  return subscriptions
}

/** The connections that, as far as their clients knew, were open when the run was over. */
export function openAtEnd(history: History): ConnectionLine[] {
  const end = endOf(history)
  const lines = history.connections.filter(({ t }) => t <= end)
  const lost = new Set(lines.flatMap(({ event, conn }) => (event === 'close' ? [conn] : [])))
  return lines.filter(({ event, conn }) => event === 'open' && !lost.has(conn))
}
