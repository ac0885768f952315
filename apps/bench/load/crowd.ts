import type { Crowd } from './protocol.js'
import { LoadSocket, type PacketListener } from './socket.js'

const AT_ONCE = 50
const JOIN_ACK_ID = 1
const JOIN_WITHIN_MS = 20_000

/** Connects everyone, 50 at a time, and joins each to their rooms. */
export async function gather(crowd: Crowd): Promise<LoadSocket[]> {
  const sockets: LoadSocket[] = []
  for (let start = 0; start < crowd.clients.length; start += AT_ONCE) {
    const group = crowd.clients.slice(start, start + AT_ONCE)
    sockets.push(...(await Promise.all(group.map((client) => enter(crowd, client)))))
  }
  return sockets
}

export async function enter(crowd: Crowd, client: Crowd['clients'][number]): Promise<LoadSocket> {
  const socket = await LoadSocket.open(crowd.url, client.token)
  for (const room of client.rooms) await join(socket, crowd.roomIds[room] ?? '')
  return socket
}

/** Rejects where the join is refused. Takes the place of any listener of the socket. */
function join(socket: LoadSocket, roomId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer to a join')), JOIN_WITHIN_MS)
    const done = (error: Error | null) => {
      clearTimeout(timer)
      if (error === null) resolve()
      else reject(error)
    }
    const listener: PacketListener = {
      onAck: (_id, data, start, end) =>
        done(isOk(data, start) ? null : new Error(`join refused: ${data.toString('utf8', start, end)}`)),
      onEvent: () => undefined,
      onClose: (reason) => done(new Error(reason)),
    }
    socket.listen(listener)
    socket.send(`2${JOIN_ACK_ID}["room:join",${JSON.stringify({ roomId })}]`)
  })
}

const OK = '[{"ok":true'
/** The place of the `t` in the answer; `false` and whatever else there may be differ in it. */
const DECISIVE = OK.indexOf('t')

export const isOk = (data: Buffer, start: number): boolean => data[start + DECISIVE] === 0x74
