import { setTimeout as sleep } from 'node:timers/promises'
import { aMember, aRoom, type Operation, otherInstance } from '../stage.js'

/** A device comes back at another instance. */
export const reconnectElsewhere: Operation = async (stage) => {
  const found = aMember(stage, aRoom(stage))
  if (found === null) return
  found.device.moveTo(otherInstance(stage, found.device.at))
}

const AWAY_MS = { min: 300, max: 1_500 }

/** A device leaves a room for a while and joins again. */
export const leaveAndJoin: Operation = async (stage) => {
  const room = aRoom(stage)
  const found = aMember(stage, room)
  if (found === null) return
  found.device.closeRoom(room.id)
  await sleep(stage.draw.between(AWAY_MS.min, AWAY_MS.max))
  const isSignedIn = await found.device.isSignedInSoon()
  if (isSignedIn && room.members.has(found.account)) found.device.openRoom(room.id)
}
