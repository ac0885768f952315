import { aMember, anInstance, aRoom, type Operation, otherInstance } from '../stage.js'
import { tryHttp } from '../try-http.js'

/** The newest page at another instance than one's own, at least as new as what one has seen. */
export const readElsewhere: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account, device } = found
  const at = otherInstance(stage, device.at)
  const minSeq = Math.max(1, device.headOf(room.id))
  await tryHttp(stage.writer, at, {
    caller: account.caller(at, account.login, device.name),
    request: { f: 'history', room: room.id, minSeq },
    route: `GET /rooms/${room.id}/messages?limit=50&minSeq=${minSeq}`,
    token: account.login.accessToken,
  })
}

/** The same without saying how new it has to be. */
export const readAnywhere: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account } = found
  const at = anInstance(stage)
  await tryHttp(stage.writer, at, {
    caller: account.caller(at, account.login, `${account.name}-reader`),
    request: { f: 'history', room: room.id },
    route: `GET /rooms/${room.id}/messages?limit=50`,
    token: account.login.accessToken,
  })
}

export const readLog: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account, device } = found
  const at = otherInstance(stage, device.at)
  const minSeq = Math.max(1, device.headOf(room.id))
  const since = Math.max(0, minSeq - stage.draw.between(0, 60))
  await tryHttp(stage.writer, at, {
    caller: account.caller(at, account.login, device.name),
    request: { f: 'sync', room: room.id, minSeq },
    route: `GET /rooms/${room.id}/events?since=${since}&limit=500&minSeq=${minSeq}`,
    token: account.login.accessToken,
    paging: { since },
  })
}

export const readPresence: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account } = found
  const at = anInstance(stage)
  await tryHttp(stage.writer, at, {
    caller: account.caller(at),
    request: { f: 'presence', room: room.id },
    route: `GET /rooms/${room.id}/presence`,
    token: account.login.accessToken,
  })
}

export const search: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account } = found
  const at = anInstance(stage)
  await tryHttp(stage.writer, at, {
    caller: account.caller(at, account.login, `${account.name}-reader`),
    request: { f: 'search', room: room.id },
    route: `GET /rooms/${room.id}/search?q=${encodeURIComponent(account.userId)}&limit=20`,
    token: account.login.accessToken,
  })
}

export const type: Operation = async (stage) => {
  const room = aRoom(stage)
  aMember(stage, room)?.device.rooms.get(room.id)?.setTyping(true)
}

export const markRead: Operation = async (stage) => {
  const room = aRoom(stage)
  await aMember(stage, room)
    ?.device.rooms.get(room.id)
    ?.markRead()
    .catch(() => undefined)
}
