import { randomUUID } from 'node:crypto'
import type { Actor } from '../../../core/domain/account.js'
import type { Refusal } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import type { Parley } from '../../../core/parley.js'
import type { MessagePage } from '../../../core/ports/message-repo-port.js'

type Shown = { readonly id: string; readonly text: string }

const PAGE = 50

/** A room in which nobody else writes, so that after each ack it is known what every reader has to be shown. */
export class RoomUnderWatch {
  private readonly messages: Shown[] = []
  private ackedSeq = 0

  private constructor(
    private readonly roomId: string,
    private readonly author: Actor,
    private readonly reader: Actor,
    private readonly random: () => number,
  ) {}

  static async open(parley: Parley, random: () => number): Promise<RoomUnderWatch> {
    const [author, reader] = [await signUp(parley), await signUp(parley)]
    const room = accepted(await parley.createRoom.execute(author, { name: 'Watched', mediation: 'off' }))
    const { code } = accepted(await parley.createInvitation.execute(author, { roomId: room.id }))
    accepted(await parley.acceptInvitation.execute(reader, { code }))
    return new RoomUnderWatch(room.id, author, reader, random)
  }

  follow({ roomFeed }: Parley): Promise<void> {
    return roomFeed.track(this.roomId)
  }

  /** Sends, edits or takes a message back, and waits for the ack. */
  async write(at: Parley): Promise<void> {
    const place = this.messages.length - 1 - Math.floor(this.random() * Math.min(5, this.messages.length))
    const target = this.messages[place]
    const text = `text ${randomUUID()}`
    const choice = this.random()
    if (target === undefined || target.text === '' || choice < 0.6) {
      const input = { roomId: this.roomId, clientMessageId: randomUUID(), text }
      const { message } = accepted(await at.sendMessage.execute(this.author, input))
      this.messages.push({ id: message.id, text })
      this.ackedSeq = message.seq
      return
    }
    const input = { messageId: target.id }
    if (choice < 0.8) {
      accepted(await at.editMessage.execute(this.author, { ...input, text }))
      this.messages[place] = { ...target, text }
    } else {
      accepted(await at.deleteMessage.execute(this.author, input))
      this.messages[place] = { ...target, text: '' }
    }
    this.ackedSeq += 1
  }

  /** What a read that names the last acked seq shows wrongly; null: nothing. */
  async read(at: Parley): Promise<string | null> {
    const input = { roomId: this.roomId, minSeq: this.ackedSeq, limit: PAGE }
    const page = accepted(await at.listMessages.execute(this.reader, input))
    return this.wrongIn(page)
  }

  private wrongIn({ messages, headSeq }: MessagePage): string | null {
    if (headSeq !== this.ackedSeq) return `head ${headSeq} instead of ${this.ackedSeq}`
    const due = this.messages.slice(-PAGE)
    if (messages.length !== due.length) return `${messages.length} messages instead of ${due.length}`
    const at = messages.findIndex(({ id, text }, place) => id !== due[place]?.id || text !== due[place]?.text)
    return at === -1 ? null : `“${messages[at]?.text}” instead of “${due[at]?.text}” in ${this.roomId}`
  }
}

async function signUp({ signUp }: Parley): Promise<Actor> {
  const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery' }
  const ip = Array.from({ length: 4 }, () => Math.floor(Math.random() * 256)).join('.')
  const { user, loginId } = accepted(
    await signUp.execute({ ...account, displayName: 'Watcher', userAgent: null, ip }),
  )
  return { userId: user.id, loginId }
}

function accepted<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value
  throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
}
