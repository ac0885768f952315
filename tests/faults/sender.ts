import type { Socket } from 'socket.io-client'
import type { WireMessage } from '../support/member-log.js'
import { type Ack, call, type Person } from '../support/person.js'

export type Draft = { readonly roomId: string; readonly clientMessageId: string; readonly text: string }

export type SenderOptions = {
  readonly rooms: readonly string[]
  /** Uniform, 0 to below 1. */
  readonly chance: () => number
  readonly onAck: (roomId: string, message: WireMessage) => void
}

/** How many sends one person has under way at once. */
const AT_ONCE = 3

/** Someone who sends without a pause, keeps what was not acked, and sends it again later with the same id. */
export class Sender {
  /** Sent without an answer; stored or not. */
  readonly open: Draft[] = []
  private socket: Socket | null = null
  private work: Promise<unknown> = Promise.resolve()
  private made = 0
  private stopped = false
  private lastAcked: Draft | null = null

  constructor(
    readonly person: Person,
    private readonly options: SenderOptions,
  ) {}

  /** Connects and sends until the connection breaks or `stop` is called. */
  async start(url: string): Promise<void> {
    this.stopped = false
    const socket = await this.person.connect(url)
    this.socket = socket
    // What was acked in an earlier life of the server is answered again, the same.
    if (this.lastAcked !== null) this.open.unshift(this.lastAcked)
    this.work = Promise.all(Array.from({ length: AT_ONCE }, () => this.sendOn(socket)))
    // Whoever waits for the end gets the error; until then it must not count as unhandled.
    this.work.catch(() => undefined)
  }

  /** Resolves when nothing is under way any more; rejects with what went against the contract. */
  async ended(): Promise<void> {
    await this.work
    this.socket?.disconnect()
    this.socket = null
  }

  async stop(): Promise<void> {
    this.stopped = true
    await this.ended()
  }

  /** Gives up on half of what is open, as a client does that is closed for good. */
  forgetSome(): void {
    const kept = this.open.filter(() => this.options.chance() < 0.5)
    this.open.splice(0, this.open.length, ...kept)
  }

  private async sendOn(socket: Socket): Promise<void> {
    while (socket.connected && !this.stopped) {
      const draft = this.open.shift() ?? this.draft()
      const ack: Ack | null = await call(socket, 'message:send', draft).catch(() => null)
      if (ack?.ok) {
        this.lastAcked = draft
        this.options.onAck(draft.roomId, ack.data.message as WireMessage)
        continue
      }
      if (ack !== null && ack.error.code !== 'UNAVAILABLE')
        throw new Error(`a send was refused: ${ack.error.code} ${ack.error.message}`)
      this.open.push(draft)
    }
  }

  private draft(): Draft {
    const { rooms, chance } = this.options
    this.made += 1
    return {
      roomId: rooms[Math.floor(chance() * rooms.length)] ?? '',
      clientMessageId: `m-${this.made}`,
      text: `${this.person.name} ${this.made}: ${'word '.repeat(1 + Math.floor(chance() * 60))}`,
    }
  }
}
