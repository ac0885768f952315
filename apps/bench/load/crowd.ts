import type { Crowd } from './protocol.js'
import { LoadSocket, type PacketListener } from './socket.js'

const AT_ONCE = 50
const JOIN_ACK_ID = 1
const JOIN_WITHIN_MS = 20_000

/** A client in its rooms, and up to which seq it knows each; null where the server keeps no log. */
export type Present = { readonly socket: LoadSocket; readonly heads: readonly (number | null)[] }

/** Connects the clients from this one on, 50 at a time, and joins each to their rooms. */
export async function gather(crowd: Crowd, first = 0): Promise<Present[]> {
  const present: Present[] = []
  for (let start = first; start < crowd.clients.length; start += AT_ONCE) {
    const group = crowd.clients.slice(start, start + AT_ONCE)
    present.push(...(await Promise.all(group.map((client, at) => enter(crowd, client, start + at)))))
  }
  return present
}

async function enter(crowd: Crowd, client: Crowd['clients'][number], index: number): Promise<Present> {
  const socket = await LoadSocket.open(urlFor(crowd, index), client.token)
  const heads: (number | null)[] = []
  for (const room of client.rooms) heads.push((await join(socket, crowd.roomIds[room] ?? '', null)).headSeq)
  return { socket, heads }
}

/** 2^32 over the golden ratio: consecutive numbers come to lie as if drawn (Knuth, The Art of Computer Programming 3, 6.4). */
const SPREAD = 0x9e3779b1

/** Of the process that a client is with: the two of a pair are with the same one as often as a balancer has it so. */
export const urlFor = ({ urls }: Crowd, index: number): string =>
  urls[(Math.imul(index, SPREAD) >>> 16) % urls.length] ?? urls[0]

export type Joined = { readonly headSeq: number | null; readonly events: number }

/** Rejects where the join is refused. Takes the place of any listener of the socket. */
export async function join(socket: LoadSocket, roomId: string, since: number | null): Promise<Joined> {
  const payload = JSON.stringify(since === null ? { roomId } : { roomId, since })
  const answer = await ask(socket, 'room:join', payload)
  const { data } = JSON.parse(answer)[0] as { data?: { headSeq?: number; events?: unknown[] } }
  return { headSeq: data?.headSeq ?? null, events: data?.events?.length ?? 0 }
}

/** The JSON of the ack; rejects where it is a refusal. Takes the place of any listener of the socket. */
export function ask(socket: LoadSocket, event: string, payload: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${event}`)), JOIN_WITHIN_MS)
    const listener: PacketListener = {
      onAck: (_id, data, start, end) => {
        clearTimeout(timer)
        const answer = data.toString('utf8', start, end)
        if (isOk(data, start)) resolve(answer)
        else reject(new Error(`${event} refused: ${answer}`))
      },
      onEvent: () => undefined,
      onClose: (reason) => {
        clearTimeout(timer)
        reject(new Error(reason))
      },
    }
    socket.listen(listener)
    socket.send(`2${JOIN_ACK_ID}["${event}",${payload}]`)
  })
}

const OK = '[{"ok":true'
/** The place of the `t` in the answer; `false` differs in it. */
const DECISIVE = OK.indexOf('t')

export const isOk = (data: Buffer, start: number): boolean => data[start + DECISIVE] === 0x74
