import { ParleyError } from '../../../../../apps/client/index.js'
import { editedBody } from '../../../checker/bodies.js'
import type { Device } from '../device.js'
import type { RoomRecord } from '../rooms.js'
import { aMember, aRoom, type Deed, type Stage } from '../stage.js'

/** Among so many of one's newest messages. */
const RECENT = 30

type Own = {
  readonly device: Device
  readonly messageId: string
  readonly text: string
}

function anOwnMessage(stage: Stage, room: RoomRecord): Own | null {
  const found = aMember(stage, room)
  const shown = found?.device.rooms.get(room.id)?.getSnapshot().messages ?? []
  const own = shown
    .filter(({ senderId, deletedAt }) => senderId === found?.account.userId && deletedAt === null)
    .slice(-RECENT)
  if (found === null || own.length === 0) return null
  const { id, text } = stage.draw.pick(own)
  return { device: found.device, messageId: id, text }
}

/** Nothing was done, for certain. */
const isRefusal = (error: unknown): boolean => error instanceof ParleyError && !error.uncertain

export const edit: Deed = (stage) => editIn(aRoom(stage))(stage)
export const remove: Deed = (stage) => removeIn(aRoom(stage))(stage)

/** Somebody edits a message of theirs in that room. */
export const editIn =
  (room: RoomRecord): Deed =>
  async (stage) => {
    const own = anOwnMessage(stage, room)
    if (own === null) return false
    const base = stage.texts.begin(own.messageId, own.text)
    if (base === null) return false
    const text = editedBody(base, stage.texts.nextToken())
    try {
      await own.device.rooms.get(room.id)?.edit(own.messageId, text)
      stage.texts.end(own.messageId, text)
      return true
    } catch (error) {
      // An edit that may still take effect leaves the message closed.
      if (isRefusal(error)) stage.texts.end(own.messageId, null)
      return false
    }
  }

/** The same, of deleting one. */
export const removeIn =
  (room: RoomRecord): Deed =>
  async (stage) => {
    const own = anOwnMessage(stage, room)
    if (own === null || stage.texts.begin(own.messageId, own.text) === null) return false
    try {
      await own.device.rooms.get(room.id)?.delete(own.messageId)
      return true
    } catch (error) {
      if (isRefusal(error)) stage.texts.end(own.messageId, null)
      return false
    }
  }
