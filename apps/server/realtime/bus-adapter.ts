import {
  type BroadcastOptions,
  ClusterAdapterWithHeartbeat,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
} from 'socket.io-adapter'
import type { BusPort, Unsubscribe } from '../../../core/ports/bus-port.js'
import type { Standstill } from './standstill.js'

const TOPIC = 'sockets'
/** What a bus takes at least; see `BusPort`. */
const MESSAGE_MAX = 65_536
/** How long other processes have to answer a question. */
const ANSWER_BUDGET_MS = 1_000

export type BusAdapterParts = {
  readonly bus: BusPort
  /** Closed by whoever made it. */
  readonly standstill: Standstill
  /** Each packet for the sockets of all processes, when it has been sent to those of this one. */
  readonly onSaid: (packet: { readonly data?: unknown }) => void
  readonly onLag: (seconds: number) => void
  readonly onFailure: () => void
  /** A question was answered without a process that has not answered in time. */
  readonly onPartial: () => void
}

/** A question to the other processes. */
type Question = {
  /** By its identity, what is asked of the library is found again in what the library publishes. */
  readonly asked: unknown
  requestId: string | null
  readonly answers: unknown[]
  /** Who has not answered yet, by the ids of their adapters. */
  readonly missing: Set<string>
}

/** Not every process has answered a `serverSideEmit` in time. */
export class PartialAnswers extends Error {
  constructor(
    readonly responses: readonly unknown[],
    /** Who has not, by the ids of their adapters. */
    readonly missing: readonly string[],
  ) {
    super(`${missing.length} processes have not answered in time`)
  }
}

const local = (options: BroadcastOptions): BroadcastOptions => ({
  ...options,
  flags: { ...options.flags, local: true },
})

const encoded = (options: BroadcastOptions) => ({
  rooms: [...options.rooms],
  except: [...(options.except ?? [])],
  flags: options.flags ?? {},
})

/**
 * Socket.io across processes over the bus, JSON only. Local sockets are always served first, at once and whatever the bus
 * does; a message that the bus loses is lost, which is why room events travel by the log instead. What is said to the sockets of
 * all processes waits in one that stood still, which does not know yet who may no longer hear it.
 */
export class BusAdapter extends ClusterAdapterWithHeartbeat {
  private readonly subscriptions: Unsubscribe[] = []
  private readonly questions = new Set<Question>()
  private closed = false

  constructor(
    namespace: unknown,
    private readonly parts: BusAdapterParts,
  ) {
    super(namespace, {})
  }

  /** By which the other processes know this one. */
  get id(): string {
    return this.uid
  }

  override init(): void {
    this.listen(TOPIC, (message) => this.hear(message as ClusterMessage))
    this.listen(`${TOPIC}:${this.uid}`, (message) => this.onResponse(message as ClusterResponse))
    super.init()
  }

  override close(): void {
    if (this.closed) return
    super.close()
    this.closed = true
    for (const unsubscribe of this.subscriptions) unsubscribe()
  }

  override async broadcast(packet: unknown, options: BroadcastOptions): Promise<void> {
    if (options.flags?.local) {
      super.broadcast(packet, options)
      return
    }
    this.say(packet, () => super.broadcast(packet, local(options)))
    this.publish({ type: MessageType.BROADCAST, data: { packet, opts: encoded(options) } })
  }

  override async addSockets(options: BroadcastOptions, rooms: string[]): Promise<void> {
    super.addSockets(local(options), rooms)
    if (options.flags?.local) return
    this.publish({ type: MessageType.SOCKETS_JOIN, data: { opts: encoded(options), rooms } })
  }

  override async delSockets(options: BroadcastOptions, rooms: string[]): Promise<void> {
    super.delSockets(local(options), rooms)
    if (options.flags?.local) return
    this.publish({ type: MessageType.SOCKETS_LEAVE, data: { opts: encoded(options), rooms } })
  }

  override async disconnectSockets(options: BroadcastOptions, close: boolean): Promise<void> {
    super.disconnectSockets(local(options), close)
    if (options.flags?.local) return
    this.publish({ type: MessageType.DISCONNECT_SOCKETS, data: { opts: encoded(options), close } })
  }

  /** Within the budget; without the sockets of processes that have not answered by then, which `onPartial` is told. */
  override async fetchSockets(
    options: BroadcastOptions,
  ): ReturnType<ClusterAdapterWithHeartbeat['fetchSockets']> {
    const flags = { timeout: ANSWER_BUDGET_MS, ...options.flags }
    const question = this.begin(flags)
    try {
      return await super.fetchSockets({ ...options, flags })
    } catch {
      this.parts.onPartial()
      const answers = question.answers as Awaited<ReturnType<ClusterAdapterWithHeartbeat['fetchSockets']>>
      return [...(await super.fetchSockets(local(options))), ...answers]
    } finally {
      this.questions.delete(question)
    }
  }

  /** An ack is called within the budget; with `PartialAnswers` where a process has not answered by then, which `onPartial` is told. */
  override async serverSideEmit(packet: unknown[]): Promise<void> {
    const ack = packet.at(-1)
    if (typeof ack !== 'function') return super.serverSideEmit(packet)
    packet.pop()
    const question = this.begin(packet)
    const { answers, missing } = question
    const end = (error: PartialAnswers | null): void => {
      clearTimeout(timer)
      // The library gives up as well, later.
      if (this.questions.delete(question)) ack(error, answers)
    }
    const timer = setTimeout(() => {
      this.parts.onPartial()
      const stillThere = [...missing].filter((id) => this.peers().has(id))
      end(new PartialAnswers(answers, stillThere))
    }, ANSWER_BUDGET_MS)
    packet.push(() => end(null))
    await super.serverSideEmit(packet)
  }

  override onResponse(response: ClusterResponse): void {
    for (const question of this.questions) {
      if (question.requestId !== response.data.requestId) continue
      if (response.type === MessageType.FETCH_SOCKETS_RESPONSE)
        question.answers.push(...response.data.sockets)
      if (response.type === MessageType.SERVER_SIDE_EMIT_RESPONSE) question.answers.push(response.data.packet)
      question.missing.delete(response.uid)
    }
    super.onResponse(response)
  }

  private begin(asked: unknown): Question {
    const question: Question = { asked, requestId: null, answers: [], missing: new Set(this.peers().keys()) }
    this.questions.add(question)
    return question
  }

  /** By their ids. The library keeps them to itself, and tells how many they are. */
  private peers(): ReadonlyMap<string, unknown> {
    return (this as unknown as { readonly nodesMap: ReadonlyMap<string, unknown> }).nodesMap
  }

  private number(asked: unknown, requestId: string): void {
    for (const question of this.questions) if (question.asked === asked) question.requestId = requestId
  }

  private hear(message: ClusterMessage): void {
    if (message.type === MessageType.BROADCAST) this.say(message.data.packet, () => this.onMessage(message))
    else this.onMessage(message)
  }

  private say(packet: unknown, act: () => void): void {
    const guarded = () => {
      try {
        act()
        this.parts.onSaid(packet as { readonly data?: unknown })
      } catch {
        this.parts.onFailure()
      }
    }
    if (!this.parts.standstill.afterwards(guarded)) this.parts.onFailure()
  }

  protected override async doPublish(message: ClusterMessage): Promise<string> {
    if (message.type === MessageType.FETCH_SOCKETS)
      this.number(message.data.opts.flags, message.data.requestId)
    if (message.type === MessageType.SERVER_SIDE_EMIT && message.data.requestId !== undefined)
      this.number(message.data.packet, message.data.requestId)
    await this.send(TOPIC, message)
    return ''
  }

  protected override async doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
    await this.send(`${TOPIC}:${requester}`, withoutHandshakes(response))
  }

  private async send(topic: string, message: object): Promise<void> {
    if (this.closed) return
    const text = JSON.stringify({ sentAtMs: Date.now(), message })
    try {
      if (Buffer.byteLength(text) > MESSAGE_MAX) throw new Error('larger than the bus takes')
      await this.parts.bus.publish(topic, text)
    } catch {
      this.parts.onFailure()
    }
  }

  private listen(topic: string, receive: (message: unknown) => void): void {
    const handler = (text: string): void => {
      try {
        const { sentAtMs, message } = JSON.parse(text) as { sentAtMs: number; message: unknown }
        this.parts.onLag(Math.max(0, Date.now() - sentAtMs) / 1_000)
        receive(message)
      } catch {
        // Whatever someone wrote to the bus must not end a process that reads it.
        this.parts.onFailure()
      }
    }
    this.parts.bus
      .subscribe(topic, handler)
      .then((unsubscribe) => (this.closed ? unsubscribe() : this.subscriptions.push(unsubscribe)))
      .catch(() => this.parts.onFailure())
  }
}

/** Other processes need ids and rooms; the handshake holds headers and would fill the message. */
function withoutHandshakes(response: ClusterResponse): ClusterResponse {
  if (response.type !== MessageType.FETCH_SOCKETS_RESPONSE) return response
  const sockets = response.data.sockets.map((socket) => ({ ...(socket as object), handshake: {} }))
  return { ...response, data: { ...response.data, sockets } }
}
