import { io, type Socket } from 'socket.io-client'
import type { Speaker } from './conversation.js'

type Json = Record<string, unknown>
type Ack = { ok: true; data: Json } | { ok: false; error: { code: string; message: string } }
type WireMessage = { id: string; senderId: string; text: string; replyTo: string | null; seq: number }
type WireEvent = { seq: number; type: string; actorId: string; data: Json }

/** Someone at a screen: an account, a socket, and what the socket shows. */
export class Person {
  private socket: Socket | undefined
  private headSeq = 0

  private constructor(
    readonly name: Speaker,
    readonly userId: string,
    private readonly url: string,
    private readonly accessToken: string,
    private readonly show: (line: string) => void,
  ) {}

  static async signUp(url: string, name: Speaker, show: (line: string) => void): Promise<Person> {
    const email = `${name.toLowerCase()}.${Date.now()}@demo.example`
    const password = `${crypto.randomUUID()}`
    const body = await post(`${url}/api/v1/auth/sign-up`, { email, password, displayName: name })
    const { user, accessToken } = body as { user: { id: string }; accessToken: string }
    return new Person(name, user.id, url, accessToken, show)
  }

  /** A call over HTTP. */
  call(path: string, body: Json): Promise<Json> {
    return post(`${this.url}/api/v1${path}`, body, this.accessToken)
  }

  /** A call over the socket; resolves with the ack's data. */
  async emit(event: string, payload: Json): Promise<Json> {
    if (this.socket === undefined) throw new Error(`${this.name} has not joined yet`)
    const ack = (await this.socket.timeout(10_000).emitWithAck(event, payload)) as Ack
    if (!ack.ok) throw new Error(`${event}: ${ack.error.code} ${ack.error.message}`)
    return ack.data
  }

  async join(roomId: string, names: ReadonlyMap<string, string>): Promise<void> {
    this.socket = io(this.url, { auth: { token: this.accessToken }, transports: ['websocket'] })
    this.socket.on('room:events', ({ events }: { events: WireEvent[] }) => {
      for (const event of events) {
        if (event.seq <= this.headSeq) continue
        this.headSeq = event.seq
        this.show(describe(event, names))
      }
    })
    this.socket.on('receipt', ({ userId }: { userId: string }) => {
      if (userId !== this.userId) this.show(`${names.get(userId)} has read it all`)
    })
    await new Promise<void>((resolve, reject) => {
      this.socket?.once('connect', resolve)
      this.socket?.once('connect_error', reject)
    })
    const { headSeq } = await this.emit('room:join', { roomId })
    this.headSeq = headSeq as number
  }

  get seen(): number {
    return this.headSeq
  }

  leave(): void {
    this.socket?.disconnect()
  }
}

async function post(url: string, body: Json, token?: string): Promise<Json> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Json
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`)
  return answer
}

function describe(event: WireEvent, names: ReadonlyMap<string, string>): string {
  const actor = names.get(event.actorId) ?? 'someone'
  const message = event.data.message as WireMessage | undefined
  switch (event.type) {
    case 'message.sent':
      return `${actor}: ${message?.text}${message?.replyTo === null ? '' : '  (a reply)'}`
    case 'message.edited':
      return `${actor} corrected: ${message?.text}`
    case 'message.deleted':
      return `${actor} took a message back`
    case 'message.reacted':
      return `${actor} reacted: ${Object.keys(event.data.reactions as Json).join(' ')}`
    default:
      return `${actor}: ${event.type}`
  }
}
