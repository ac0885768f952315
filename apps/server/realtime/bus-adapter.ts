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
/** How long other processes have to name their sockets. */
const FETCH_BUDGET_MS = 1_000

export type BusAdapterParts = {
  readonly bus: BusPort
  /** Closed by whoever made it. */
  readonly standstill: Standstill
  /** Each packet for the sockets of all processes, when it has been sent to those of this one. */
  readonly onSaid: (packet: { readonly data?: unknown }) => void
  readonly onLag: (seconds: number) => void
  readonly onFailure: () => void
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
  private closed = false

  constructor(
    namespace: unknown,
    private readonly parts: BusAdapterParts,
  ) {
    super(namespace, {})
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

  /** Within the budget; without the sockets of processes that have not answered by then. */
  override async fetchSockets(
    options: BroadcastOptions,
  ): ReturnType<ClusterAdapterWithHeartbeat['fetchSockets']> {
    const bounded = { ...options, flags: { timeout: FETCH_BUDGET_MS, ...options.flags } }
    return super.fetchSockets(bounded).catch(() => super.fetchSockets(local(options)))
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
