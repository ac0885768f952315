import type { Account, Login } from '../account.js'
import { RawSocket } from '../raw-socket.js'
import type { RoomRecord } from '../rooms.js'
import { anInstance, aRoom, type Operation, type Stage } from '../stage.js'
import { type HttpTry, tryHttp } from '../try-http.js'

/** Somebody who may not, or no longer, do anything in the room. */
export type Intruder = { readonly account: Account; readonly login: Login; readonly client: string }

let intrusions = 0

/** Everything that a client could ask of a room by the ids that it may have learnt, over HTTP. */
function httpTries(
  { account }: Intruder,
  { id }: RoomRecord,
  messageId: string | null,
): Omit<HttpTry, 'caller'>[] {
  intrusions += 1
  const cmid = `spy-${intrusions}`
  const body = account.nextBody(id)
  const edited = account.nextBody(id)
  return [
    {
      request: { f: 'send', room: id, cmid, body },
      route: `POST /rooms/${id}/messages`,
      body: { clientMessageId: cmid, text: body },
    },
    { request: { f: 'history', room: id }, route: `GET /rooms/${id}/messages?limit=50` },
    { request: { f: 'sync', room: id }, route: `GET /rooms/${id}/events?since=0`, paging: { since: 0 } },
    { request: { f: 'search', room: id }, route: `GET /rooms/${id}/search?q=canary` },
    { request: { f: 'presence', room: id }, route: `GET /rooms/${id}/presence` },
    { request: { f: 'other', room: id }, route: `GET /rooms/${id}/members` },
    ...(messageId === null
      ? []
      : [
          { request: { f: 'other', room: id }, route: `GET /messages/${messageId}/around` } as const,
          { request: { f: 'other', room: id }, route: `GET /messages/${messageId}/versions` } as const,
          {
            request: { f: 'edit', room: id, mid: messageId, body: edited },
            route: `PATCH /messages/${messageId}`,
            body: { text: edited },
          } as const,
          {
            request: { f: 'delete', room: id, mid: messageId },
            route: `DELETE /messages/${messageId}`,
          } as const,
        ]),
  ]
}

/** Tries a few of them at any instance. */
export async function intrudeOverHttp(
  stage: Stage,
  intruder: Intruder,
  room: RoomRecord,
  tries: number,
): Promise<void> {
  const { account, login, client } = intruder
  const all = stage.draw.shuffled(httpTries(intruder, room, aMessageIn(stage, room)))
  for (const each of all.slice(0, tries)) {
    const at = anInstance(stage)
    const caller = account.caller(at, login, client)
    await tryHttp(stage.writer, at, { ...each, caller, token: login.accessToken })
  }
}

/** The same over a socket, which stays a little, to hear what it should not. */
export async function intrudeOverSocket(stage: Stage, intruder: Intruder, room: RoomRecord): Promise<void> {
  const { account, login, client } = intruder
  const at = anInstance(stage)
  const socket = await RawSocket.open(stage.writer, { client, user: account.userId, login, at })
  if (socket === null) return
  const roomId = room.id
  await socket.call('room:join', { roomId, since: 0 }, { f: 'join', room: roomId }, { since: 0 })
  await socket.call('typing:set', { roomId, typing: true }, { f: 'other', room: roomId })
  intrusions += 1
  const clientMessageId = `spy-${intrusions}`
  const text = account.nextBody(roomId)
  await socket.call(
    'message:send',
    { roomId, clientMessageId, text },
    { f: 'send', room: roomId, cmid: clientMessageId, body: text },
  )
  await socket.call('room:sync', { roomId, since: 0 }, { f: 'sync', room: roomId }, { since: 0 })
  socket.close()
}

function aMessageIn(stage: Stage, room: RoomRecord): string | null {
  const [somebody] = room.members
  const device = somebody === undefined ? undefined : stage.devicesOf(somebody)[0]
  const messages = device?.rooms.get(room.id)?.getSnapshot().messages ?? []
  return messages.length === 0 ? null : stage.draw.pick(messages).id
}

/** Somebody who never was in the room. */
export const spy: Operation = async (stage) => {
  const account = stage.draw.pick(stage.spies)
  const intruder = { account, login: account.login, client: `${account.name}-spy` }
  const room = aRoom(stage)
  if (stage.draw.chance() < 0.3) await intrudeOverSocket(stage, intruder, room)
  else await intrudeOverHttp(stage, intruder, room, 3)
}
