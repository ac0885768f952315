import { setTimeout as sleep } from 'node:timers/promises'
import type { Account, Login } from '../account.js'
import { RawSocket } from '../raw-socket.js'
import type { RoomRecord } from '../rooms.js'
import { aMember, anInstance, aRoom, type Deed, type Operation, otherInstance, type Stage } from '../stage.js'
import { tryHttp } from '../try-http.js'
import { intrudeOverHttp, intrudeOverSocket } from './spying.js'

const USED_FOR_MS = { min: 500, max: 2_000 }
/** A server may be away for as long as its start takes. */
const TRIES = 8
const RETRY_MS = 1_000

/** Somebody signs in on one more device, uses it, ends its login from the first one; then the device tries to go on. */
export const endLogin: Deed = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return false
  const { account } = found
  const at = anInstance(stage)
  const login = await account.signIn(at)
  if (login === null) return false
  const client = `${account.name}-second`
  const socket = await RawSocket.open(stage.writer, { client, user: account.userId, login, at })
  await socket?.call('room:join', { roomId: room.id }, { f: 'join', room: room.id })
  await sleep(stage.draw.between(USED_FOR_MS.min, USED_FOR_MS.max))
  const isEnded = await endSoon(stage, account, login)
  if (isEnded) {
    const intruder = { account, login, client }
    await Promise.all([
      intrudeOverHttp(stage, intruder, room, 4),
      intrudeOverSocket(stage, intruder, room),
      socket === null ? null : goOn(socket, account, room),
    ])
    await sleep(2_000)
  }
  socket?.close()
  return isEnded
}

/** Over the socket that was open when its login ended. */
async function goOn(socket: RawSocket, account: Account, { id }: RoomRecord): Promise<void> {
  for (let tries = 0; tries < 3 && socket.isOpen; tries += 1) {
    const clientMessageId = `${socket.conn.replaceAll(/[^\w-]/g, '-')}-${tries}`
    const text = account.nextBody(id)
    await socket.call(
      'message:send',
      { roomId: id, clientMessageId, text },
      { f: 'send', room: id, cmid: clientMessageId, body: text },
    )
  }
}

/** Else a short run may judge no ended login at all. */
async function endSoon(stage: Stage, account: Account, login: Login): Promise<boolean> {
  for (let tries = 1; tries < TRIES; tries += 1) {
    if (await end(stage, account, login)) return true
    await sleep(RETRY_MS)
  }
  return await end(stage, account, login)
}

/** Ends it from the account's own login, at another instance than it asked at which one it is. True where that was acked. */
async function end(stage: Stage, account: Account, login: Login): Promise<boolean> {
  const asked = anInstance(stage)
  const listed = await tryHttp(stage.writer, asked, {
    caller: account.caller(asked, login, `${account.name}-second`),
    request: { f: 'other' },
    route: 'GET /auth/sessions',
    token: login.accessToken,
  })
  if (listed.is !== 'ok') return false
  const sessions = listed.data.sessions as readonly { readonly id: string; readonly current: boolean }[]
  const id = sessions.find(({ current }) => current)?.id
  const at = otherInstance(stage, asked)
  const ended = await tryHttp(stage.writer, at, {
    caller: account.caller(at),
    request: { f: 'revoke', ends: [login.session] },
    route: `DELETE /auth/sessions/${id}`,
    token: account.login.accessToken,
  })
  return ended.is === 'ok'
}

/** The same for the login of an SDK client, which finds itself signed out and signs in again. */
export const endDeviceLogin: Operation = async (stage) => {
  const found = aMember(stage, aRoom(stage))
  if (found === null) return
  const { account, device } = found
  const current = await device.client.sessions().then(
    (sessions) => sessions.find((session) => session.current),
    () => undefined,
  )
  if (current === undefined) return
  const at = anInstance(stage)
  const ended = await tryHttp(stage.writer, at, {
    caller: account.caller(at),
    request: { f: 'revoke', ends: [device.sessionName] },
    route: `DELETE /auth/sessions/${current.id}`,
    token: account.login.accessToken,
  })
  // One that has no server at the moment is told late.
  if (ended.is !== 'fail') await device.isSignedOutSoon()
  await device.signInUntilItWorks()
  device.openRoomsAgain()
}
