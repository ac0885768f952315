import type { Actor } from '../../domain/account.js'
import { isId, type MessageId } from '../../domain/ids.js'
import type { Message } from '../../domain/message.js'
import { notFound, type Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { Room } from '../../domain/room.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitReader } from '../rooms/room-access.js'

/** A message by its id, for a member of its room; for anyone else there is none. */
export async function admitMessageReader(
  ports: { readonly messages: MessageRepoPort; readonly rooms: RoomRepoPort },
  actor: Actor,
  messageId: MessageId,
  minSeq?: number,
): Promise<Result<{ readonly message: Message; readonly room: Room; readonly headSeq: number }, Refusal>> {
  const message = isId(messageId) ? await ports.messages.find(messageId) : null
  if (message === null) return notFound()
  const access = await admitReader(ports.rooms, actor, message.roomId, minSeq)
  if (!access.ok) return access
  const { room, heads } = access.value
  return ok({ message, room, headSeq: heads.head })
}
