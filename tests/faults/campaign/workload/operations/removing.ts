import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../account.js'
import { accept, invite, type RoomRecord } from '../rooms.js'
import { anInstance, aRoom, type Deed, type Stage } from '../stage.js'
import { tryHttp } from '../try-http.js'
import { intrudeOverHttp, intrudeOverSocket } from './spying.js'

const BACK_AFTER_MS = { min: 1_500, max: 4_000 }
const INVITE_AGAIN_MS = 1_000

/** An owner removes somebody, who goes on trying for a while, and is then invited and joins again. */
export const removeMember: Deed = async (stage) => {
  const room = aRoom(stage)
  const others = [...room.members].filter((account) => account !== room.owner)
  if (others.length === 0) return false
  const removed = stage.draw.pick(others)
  await readEverywhere(stage, room, removed, 'reader')
  // From here on nobody counts on this member, whatever the answer.
  room.members.delete(removed)
  room.former.add(removed)
  const outcome = await askForRemoval(stage, room, removed)
  if (outcome === 'info') {
    // A server that stands still may carry it out as soon as it goes on, and would undo a return; so there is none.
    for (const device of stage.devicesOf(removed)) device.closeRoom(room.id)
    return false
  }
  if (outcome === 'ok') await tryToStay(stage, room, removed)
  await sleep(stage.draw.between(BACK_AFTER_MS.min, BACK_AFTER_MS.max))
  await readEverywhere(stage, room, removed, 'removed')
  await bringBack(stage, room, removed)
  return outcome === 'ok'
}

/** So that every process has remembered them as a member, and is asked again when they are none. */
async function readEverywhere(
  stage: Stage,
  { id }: RoomRecord,
  account: Account,
  as: 'reader' | 'removed',
): Promise<void> {
  for (const at of stage.instances)
    await tryHttp(stage.writer, at, {
      caller: account.caller(at, account.login, `${account.name}-${as}`),
      request: { f: 'history', room: id },
      route: `GET /rooms/${id}/messages?limit=50`,
      token: account.login.accessToken,
    })
}

async function askForRemoval(
  stage: Stage,
  room: RoomRecord,
  removed: Account,
): Promise<'ok' | 'fail' | 'info'> {
  const at = anInstance(stage)
  const { owner, id } = room
  const outcome = await tryHttp(stage.writer, at, {
    caller: owner.caller(at),
    request: { f: 'remove', room: id, subject: removed.userId },
    route: `DELETE /rooms/${id}/members/${removed.userId}`,
    token: owner.login.accessToken,
  })
  return outcome.is
}

async function tryToStay(stage: Stage, room: RoomRecord, account: Account): Promise<void> {
  const intruder = { account, login: account.login, client: `${account.name}-removed` }
  await Promise.all([
    intrudeOverHttp(stage, intruder, room, 5),
    intrudeOverSocket(stage, intruder, room),
    sendFromDevices(stage, room, account),
  ])
}

/** What the removed member's own devices still send is refused as well. */
async function sendFromDevices(stage: Stage, room: RoomRecord, account: Account): Promise<void> {
  for (const device of stage.devicesOf(account)) {
    const handle = device.rooms.get(room.id)
    if (handle === undefined || handle.getSnapshot().status === 'ended') continue
    const outgoing = await handle.send(account.nextBody(room.id))
    const outcome = await outgoing.outcome
    if (outcome.status === 'failed') await device.client.outbox.discard(outgoing.clientMessageId)
  }
}

/** Until it works: at the end of the run everybody is where they belong. */
async function bringBack(stage: Stage, room: RoomRecord, account: Account): Promise<void> {
  for (const device of stage.devicesOf(account)) device.closeRoom(room.id)
  for (let tries = 0; tries < 60; tries += 1) {
    const at = anInstance(stage)
    const code = await invite(stage.writer, room, at, 1)
    if (code !== null && (await accept(stage.writer, room, account, anInstance(stage), code))) {
      for (const device of stage.devicesOf(account))
        if (await device.isSignedInSoon()) device.openRoom(room.id)
      return
    }
    await sleep(INVITE_AGAIN_MS)
  }
}
