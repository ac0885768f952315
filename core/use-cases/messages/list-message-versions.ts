import type { Actor } from '../../domain/account.js'
import type { MessageId } from '../../domain/ids.js'
import type { MessageVersion } from '../../domain/message.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { MessageRepoPort } from '../../ports/message-repo-port.js'
import type { RoomRepoPort } from '../../ports/room-repo-port.js'
import { admitMessageReader } from './message-access.js'

type Ports = { rooms: RoomRepoPort; messages: MessageRepoPort }
type Input = { readonly messageId: MessageId; readonly minSeq?: number | undefined }

/** All texts that a message has had, oldest first; none once it is deleted. */
export class ListMessageVersions {
  constructor(private readonly ports: Ports) {}

  async execute(
    actor: Actor,
    input: Input,
  ): Promise<Result<{ versions: readonly MessageVersion[]; headSeq: number }, Refusal>> {
    const access = await admitMessageReader(this.ports, actor, input.messageId, input.minSeq)
    if (!access.ok) return access
    return ok(await this.ports.messages.versions(input.messageId))
  }
}
