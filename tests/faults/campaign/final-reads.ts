import type { Entry, FinalLog } from '../checker/history.js'
import { monotonicNs } from '../checker/history.js'
import type { HistoryWriter } from '../checker/history-file.js'
import { entryOf, type WireEvent } from '../checker/wire.js'
import type { Check } from './fault.js'
import type { Instance } from './parts.js'
import type { Account, Login } from './workload/account.js'
import { RawSocket } from './workload/raw-socket.js'
import { inGroups, type RoomRecord } from './workload/rooms.js'

const PAGE = 500
const AT_ONCE = 8
/** A server may still be short of breath; what it must not do is answer something else. */
const TRIES = 20

export type FinalReadsSetup = {
  readonly writer: HistoryWriter
  readonly instances: readonly Instance[]
  readonly rooms: readonly RoomRecord[]
  /** Of each room at most so many members read at every instance; the others at one. */
  readonly readersPerRoom: number
}

/** Reads each room's whole log as each member at each instance, and as one client that was never there before. */
export async function finalReads({
  writer,
  instances,
  rooms,
  readersPerRoom,
}: FinalReadsSetup): Promise<Check> {
  const readings = rooms.flatMap((room) =>
    [...room.members].flatMap((account, number) =>
      instances
        .filter(({ index }) => number < readersPerRoom || index === number % instances.length)
        .map((at) => ({ room, account, at })),
    ),
  )
  const refused: string[] = []
  await inGroups(readings, AT_ONCE, async ({ room, account, at }) => {
    const log = await readAsMember(room, account, at)
    if (log !== null) writer.write(log)
    else refused.push(`${account.name} is refused in ${room.id} at ${at.name}`)
  })
  await inGroups(rooms, AT_ONCE, async (room, index) =>
    writer.write(await readCold(writer, room, instances[index % instances.length] as Instance)),
  )
  return { name: 'every member reads the whole log', checked: readings.length, violations: refused }
}

/** Null where the server does not take them for a member. */
async function readAsMember({ id }: RoomRecord, account: Account, at: Instance): Promise<FinalLog | null> {
  const entries: Entry[] = []
  for (;;) {
    const page = await fetchPage(
      `${at.url}/api/v1/rooms/${id}/events?since=${entries.at(-1)?.seq ?? 0}&limit=${PAGE}`,
      account.login,
    )
    if (page === null) return null
    entries.push(...page.events.map(entryOf))
    if (!page.hasMore) return final('member', id, at, account, page.headSeq, entries)
  }
}

type EventsPage = {
  readonly events: readonly WireEvent[]
  readonly headSeq: number
  readonly hasMore: boolean
}

async function fetchPage(url: string, { accessToken }: Login): Promise<EventsPage | null> {
  for (let tries = 1; ; tries += 1) {
    const headers = { authorization: `Bearer ${accessToken}` }
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(20_000) }).catch(() => null)
    if (response?.ok) return (await response.json()) as EventsPage
    if (response?.status === 404) return null
    if (tries === TRIES)
      throw new Error(`a final read was answered with ${response?.status ?? 'nothing'}: ${url}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** A login and a socket that nobody used before join the room, take the snapshot, and read the log from the beginning. */
async function readCold(writer: HistoryWriter, room: RoomRecord, at: Instance): Promise<FinalLog> {
  const { owner, id } = room
  const login = await owner.signIn(at)
  if (login === null) throw new Error(`no cold login at ${at.name}`)
  const client = `cold-${id}`
  const socket = await RawSocket.open(writer, { client, user: owner.userId, login, at })
  if (socket === null) throw new Error(`no cold socket at ${at.name}`)
  try {
    await socket.call('room:join', { roomId: id }, { f: 'join', room: id })
    const entries: Entry[] = []
    for (;;) {
      const since = entries.at(-1)?.seq ?? 0
      const page = await socket.call(
        'room:sync',
        { roomId: id, since, limit: PAGE },
        { f: 'sync', room: id },
        { since },
      )
      if (page.is !== 'ok') throw new Error(`a cold read of ${id} ended with ${page.code}`)
      const { events, headSeq, hasMore } = page.data as EventsPage
      entries.push(...events.map(entryOf))
      if (!hasMore) return final('cold', id, at, owner, headSeq, entries)
    }
  } finally {
    socket.close()
  }
}

function final(
  source: FinalLog['source'],
  room: string,
  at: Instance,
  { userId }: Account,
  head: number,
  entries: readonly Entry[],
): FinalLog {
  return { type: 'final', t: monotonicNs(), room, source, instance: at.name, user: userId, head, entries }
}
