import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

export type Json = Record<string, unknown>
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Json }
export type Ack =
  | { readonly ok: true; readonly data: Json }
  | {
      readonly ok: false
      readonly error: {
        readonly code: string
        readonly message: string
        readonly retryAfterMs?: number
        readonly details?: unknown
      }
    }

export const PASSWORD = 'a long and quiet sentence'

let people = 0

/** A call over HTTP, like that of every client. */
export async function request(
  url: string,
  method: string,
  path: string,
  options: {
    readonly token?: string
    readonly body?: unknown
    readonly headers?: Record<string, string>
  } = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Json) : { text },
  }
}

/** An account with its calls, over HTTP and over sockets, at any instance. */
export class Person {
  readonly sockets: Socket[] = []

  private constructor(
    readonly url: string,
    readonly name: string,
    readonly email: string,
    readonly userId: string,
    public accessToken: string,
    public refreshToken: string,
  ) {}

  static async signUp(url: string, name: string): Promise<Person> {
    people += 1
    const email = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}.${process.pid}.${Date.now()}.${people}@example.org`
    const body = { email, password: PASSWORD, displayName: name }
    const answer = await request(url, 'POST', '/api/v1/auth/sign-up', { body })
    if (answer.status !== 201) throw new Error(`sign-up: ${answer.status} ${JSON.stringify(answer.body)}`)
    const { user, accessToken, refreshToken } = answer.body as {
      user: { id: string }
      accessToken: string
      refreshToken: string
    }
    return new Person(url, name, email, user.id, accessToken, refreshToken)
  }

  /** The same person on another device: a login of its own. */
  async signInAgain(url = this.url): Promise<Person> {
    const body = { email: this.email, password: PASSWORD }
    const answer = await request(url, 'POST', '/api/v1/auth/sign-in', { body })
    if (answer.status !== 200) throw new Error(`sign-in: ${answer.status} ${JSON.stringify(answer.body)}`)
    const { accessToken, refreshToken } = answer.body as { accessToken: string; refreshToken: string }
    return new Person(url, this.name, this.email, this.userId, accessToken, refreshToken)
  }

  http(method: string, path: string, body?: unknown, url = this.url): Promise<Answer> {
    return request(url, method, `/api/v1${path}`, {
      token: this.accessToken,
      ...(body === undefined ? {} : { body }),
    })
  }

  /** A connected socket; rejects with the `connect_error`. */
  async connect(url = this.url, options: Partial<ManagerOptions & SocketOptions> = {}): Promise<Socket> {
    const socket = io(url, {
      auth: { token: this.accessToken },
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ...options,
    })
    this.sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve())
      socket.once('connect_error', reject)
    })
    return socket
  }

  async createRoom(body: Json = {}): Promise<string> {
    const answer = await this.http('POST', '/rooms', { name: 'A room', ...body })
    if (answer.status !== 201) throw new Error(`create room: ${answer.status} ${JSON.stringify(answer.body)}`)
    return (answer.body.room as { id: string }).id
  }

  /** Brings another into a room, by invitation, like every client. */
  async invite(roomId: string, guest: Person, role = 'member'): Promise<void> {
    const made = await this.http('POST', `/rooms/${roomId}/invitations`, { role })
    const accepted = await guest.http('POST', `/invitations/${made.body.code}/accept`, {})
    if (accepted.status !== 200)
      throw new Error(`invite: ${made.status} then ${accepted.status} ${JSON.stringify(accepted.body)}`)
  }

  close(): void {
    for (const socket of this.sockets) socket.disconnect()
  }
}

/** Emits and waits for the ack; a missing ack is an error. */
export const call = (socket: Socket, event: string, payload: unknown): Promise<Ack> =>
  socket.timeout(15_000).emitWithAck(event, payload) as Promise<Ack>

export async function expectOk(ack: Promise<Ack>): Promise<Json> {
  const answer = await ack
  if (!answer.ok) throw new Error(`expected success, got ${answer.error.code}: ${answer.error.message}`)
  return answer.data
}

/** Waits until `check` answers true; fails with `what` when it has not by the deadline. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
