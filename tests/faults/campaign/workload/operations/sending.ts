import { aMember, anInstance, aRoom, type Operation, otherInstance } from '../stage.js'
import type { Outcome } from '../try-http.js'
import { tryHttp } from '../try-http.js'

/** Sends that may wait in one device's outbox, e.g. while its server is away. */
const OUTBOX = 40

/** As users do it: the SDK keeps the message and sends it until it is answered. */
export const send: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account, device } = found
  if (device.client.outbox.getSnapshot().length >= OUTBOX) return
  const handle = device.rooms.get(room.id)
  const outgoing = await handle?.send(account.nextBody(room.id))
  const outcome = await outgoing?.outcome
  if (outcome?.status === 'failed' && outgoing !== undefined)
    await device.client.outbox.discard(outgoing.clientMessageId)
}

let doubled = 0

/** One message handed to two instances at the same moment, as by a client whose first try seemed to hang. */
export const sendTwice: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  const { account, device } = found
  const first = anInstance(stage)
  doubled += 1
  const cmid = `twice-${doubled}`
  const body = account.nextBody(room.id)
  const ask = (at = first): Promise<Outcome> =>
    tryHttp(stage.writer, at, {
      caller: account.caller(at, account.login, device.name),
      request: { f: 'send', room: room.id, cmid, body },
      route: `POST /rooms/${room.id}/messages`,
      body: { clientMessageId: cmid, text: body },
      token: account.login.accessToken,
    })
  stage.doubled.add(body, await Promise.all([ask(), ask(otherInstance(stage, first))]))
}
