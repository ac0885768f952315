import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { until } from '../../support/person.js'

export type Frame = {
  readonly payload: string | Buffer
  /** 1 text, 2 binary, 0 continuation, 8 close, 9 ping, 10 pong. */
  readonly opcode?: number
  readonly fin?: boolean
  /** RSV1, RSV2 and RSV3 as a number of three bits. */
  readonly rsv?: number
  readonly masked?: boolean
}

/** A WebSocket frame (RFC 6455, 5.2), also one that no client may send. */
export function encodeFrame({ payload, opcode = 1, fin = true, rsv = 0, masked = true }: Frame): Buffer {
  const data = Buffer.from(payload)
  const length =
    data.length < 126 ? Buffer.from([data.length]) : data.length < 65_536 ? Buffer.alloc(3) : Buffer.alloc(9)
  if (length.length === 3) {
    length[0] = 126
    length.writeUInt16BE(data.length, 1)
  } else if (length.length === 9) {
    length[0] = 127
    length.writeBigUInt64BE(BigInt(data.length), 1)
  }
  const first = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode])
  if (!masked) return Buffer.concat([first, length, data])
  length[0] = (length[0] ?? 0) | 0x80
  const mask = randomBytes(4)
  return Buffer.concat([first, length, mask, data.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}

export type Opening = {
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further lines of the head, each with its end: before the others, and after them. */
  readonly before?: string
  readonly after?: string
  readonly path?: string
  readonly from?: string
}

export const upgradeRequest = ({
  query = 'EIO=4&transport=websocket',
  path = '/socket.io/',
  headers = {},
  before = '',
  after = '',
}: Opening = {}): string =>
  [
    `GET ${path}?${query} HTTP/1.1`,
    `${before}Host: localhost`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `${after}\r\n`,
  ].join('\r\n')

/** A WebSocket of Socket.io byte by byte, without the manners of a client library. */
export class RawSocket {
  /** Whether pings of Engine.IO are answered, and then left out of what was received. */
  answersPings = true
  /** Texts that the server sent, in order. */
  readonly received: string[] = []
  /** The code of the server's close frame. */
  closeCode: number | null = null
  closed = false
  /** Status line and headers that the server answered. */
  head = ''
  private rest: Buffer = Buffer.alloc(0)

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
    })
  }

  /** Resolves when the server has answered the request for an upgrade, whatever the answer. */
  static async open(url: string, opening: Opening = {}): Promise<RawSocket> {
    const raw = RawSocket.ask(url, opening)
    await until('the server answers the upgrade', () => raw.head !== '' || raw.closed)
    return raw
  }

  /** The same without waiting for any answer. */
  static ask(url: string, opening: Opening = {}): RawSocket {
    const { hostname, port } = new URL(url)
    const raw = new RawSocket(
      connect({
        host: hostname,
        port: Number(port),
        ...(opening.from === undefined ? {} : { localAddress: opening.from }),
      }),
    )
    raw.socket.write(upgradeRequest(opening))
    return raw
  }

  /** Connected and signed in to the default namespace. */
  static async signedIn(url: string, token: string, opening: Opening = {}): Promise<RawSocket> {
    const raw = await RawSocket.open(url, opening)
    const answer = await raw.connect({ token })
    if (!answer.startsWith('40')) throw new Error(`not let in: ${answer}`)
    return raw
  }

  get status(): number {
    return Number(this.head.split(' ')[1])
  }

  send(text: string): void {
    this.socket.write(encodeFrame({ payload: text }))
  }

  frame(frame: Frame): void {
    this.socket.write(encodeFrame(frame))
  }

  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()))
  }

  /** Asks to be let in; the server's packet of acceptance or refusal. */
  async connect(auth: unknown): Promise<string> {
    this.send(`40${JSON.stringify(auth)}`)
    return this.next((text) => text.startsWith('40') || text.startsWith('44'))
  }

  /** Emits with an ack and answers its arguments. */
  async call(id: number, args: readonly unknown[]): Promise<unknown> {
    this.send(`42${id}${JSON.stringify(args)}`)
    const packet = await this.next((text) => text.startsWith(`43${id}[`))
    return (JSON.parse(packet.slice(`43${id}`.length)) as unknown[])[0]
  }

  /** The first text, received already or within the deadline, that is wanted. */
  next(isWanted: (text: string) => boolean, withinMs = 10_000): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.received.find(isWanted)
        if (found === undefined && !this.closed) return
        done()
        if (found !== undefined) resolve(found)
        else reject(new Error(`closed with ${this.closeCode} after ${this.received.join(' ')}`))
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`not within ${withinMs} ms; received ${this.received.join(' ')}`))
      }, withinMs)
      const done = (): void => {
        clearTimeout(timer)
        this.socket.off('data', look).off('close', look)
      }
      // After the listeners of the constructor, which take what has come.
      this.socket.on('data', look).on('close', look)
      look()
    })
  }

  async untilClosed(withinMs = 10_000): Promise<void> {
    await until('the server closes the connection', () => this.closed, withinMs)
  }

  /** Takes nothing more from the network: what the server sends stays with it. */
  stopReading(): void {
    this.socket.pause()
  }

  readOn(): void {
    this.socket.resume()
  }

  destroy(): void {
    this.socket.destroy()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  private take(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk])
    if (this.head === '') {
      const end = this.rest.indexOf('\r\n\r\n')
      if (end === -1) return
      this.head = this.rest.subarray(0, end).toString()
      this.rest = this.rest.subarray(end + 4)
    }
    while (this.takeFrame());
  }

  /** False when no whole frame is there. Frames of a server are not masked, and this one sends none in parts. */
  private takeFrame(): boolean {
    const [first = 0, short = 0] = this.rest
    const start = short < 126 ? 2 : short === 126 ? 4 : 10
    if (this.rest.length < start) return false
    const length =
      short < 126 ? short : short === 126 ? this.rest.readUInt16BE(2) : Number(this.rest.readBigUInt64BE(2))
    if (this.rest.length < start + length) return false
    const payload = this.rest.subarray(start, start + length)
    this.rest = this.rest.subarray(start + length)
    const opcode = first & 0x0f
    if (opcode === 8) this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0)
    else if (opcode === 1 && payload.toString() === '2' && this.answersPings) this.send('3')
    else if (opcode === 1) this.received.push(payload.toString())
    return true
  }
}
