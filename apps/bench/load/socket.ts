import { connect, type Socket } from 'node:net'
import { FrameReader } from './frame-reader.js'
import { textFrame } from './frame-writer.js'

/** What a socket tells of the packets that matter to a load; positions in `data` are good during the call only. */
export type PacketListener = {
  onAck(id: number, data: Buffer, start: number, end: number): void
  onEvent(data: Buffer, start: number, end: number): void
  onClose(reason: string): void
}

/** All sockets read into the same buffer: what arrives is looked at before the next read. */
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)

const HANDSHAKE_WITHIN_MS = 20_000
const CLOSE = 0x8
const [OPEN, PING, MESSAGE] = [0x30, 0x32, 0x34]
const [CONNECTED, EVENT, ACK, REFUSED] = [0x30, 0x32, 0x33, 0x34]

/** A Socket.io client over plain TCP that knows just enough of the protocol: the official one costs more than a server. */
export class LoadSocket {
  private readonly tcp: Socket
  private readonly frames: FrameReader
  private greeting: Buffer | null = Buffer.alloc(0)
  private settle: ((error: Error | null) => void) | null = null
  private listener: PacketListener | null = null
  private acceptedAtMs = Number.NaN
  private onUpgraded: ((acceptedAtMs: number) => void) | null = null

  private constructor(
    readonly url: URL,
    private readonly token: string,
  ) {
    this.frames = new FrameReader((opcode, data, start, end) => this.take(opcode, data, start, end))
    this.tcp = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.read(READ_BUFFER.subarray(0, length))
          return true
        },
      },
    })
    this.tcp.once('connect', () => {
      this.acceptedAtMs = performance.now()
      this.upgrade()
    })
    this.tcp.once('error', (error) => this.over(error.message))
    this.tcp.once('close', () => this.over('closed'))
  }

  /**
   * Resolves once the namespace is connected; `onUpgraded` is told, when the server has agreed to speak WebSocket, at what time of
   * `performance.now()` the connection was accepted.
   */
  static async open(
    url: string,
    token: string,
    onUpgraded?: (acceptedAtMs: number) => void,
  ): Promise<LoadSocket> {
    const socket = new LoadSocket(new URL(url), token)
    socket.onUpgraded = onUpgraded ?? null
    const timer = setTimeout(() => socket.over('no handshake in time'), HANDSHAKE_WITHIN_MS)
    try {
      await new Promise<void>((resolve, reject) => {
        socket.settle = (error) => (error === null ? resolve() : reject(error))
      })
    } catch (error) {
      socket.tcp.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
    return socket
  }

  listen(listener: PacketListener): void {
    this.listener = listener
  }

  /** Sends a Socket.io packet: its type, ack id and JSON as one string of ASCII. */
  send(packet: string): void {
    this.tcp.write(textFrame(`4${packet}`))
  }

  close(): void {
    this.listener = null
    this.tcp.destroy()
  }

  private upgrade(): void {
    this.tcp.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${this.url.host}\r\n` +
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
  }

  private read(chunk: Buffer): void {
    if (this.greeting === null) this.frames.push(chunk)
    else this.readGreeting(Buffer.concat([this.greeting, chunk]))
  }

  private readGreeting(greeting: Buffer): void {
    this.greeting = greeting
    const end = greeting.indexOf('\r\n\r\n')
    if (end === -1) return
    this.greeting = null
    if (greeting.toString('latin1', 0, 12).endsWith(' 101')) {
      this.onUpgraded?.(this.acceptedAtMs)
      this.frames.push(greeting.subarray(end + 4))
    } else this.over(`not upgraded: ${greeting.toString('latin1', 0, 80)}`)
  }

  private take(opcode: number, data: Buffer, start: number, end: number): void {
    const type = data[start]
    if (opcode === CLOSE) this.over('closed by the server')
    else if (type === MESSAGE) this.takePacket(data, start + 1, end)
    else if (type === PING) this.tcp.write(textFrame('3'))
    else if (type === OPEN) this.send(`0${JSON.stringify({ token: this.token })}`)
  }

  private takePacket(data: Buffer, start: number, end: number): void {
    const type = data[start]
    if (type === EVENT) this.listener?.onEvent(data, start + 1, end)
    else if (type === ACK) this.takeAck(data, start + 1, end)
    else if (type === CONNECTED) this.settled(null)
    else if (type === REFUSED) this.over(`refused: ${data.toString('utf8', start, end)}`)
  }

  private takeAck(data: Buffer, start: number, end: number): void {
    let id = 0
    let at = start
    for (let digit = (data[at] ?? 0) - 0x30; digit >= 0 && digit <= 9; digit = (data[at] ?? 0) - 0x30) {
      id = id * 10 + digit
      at += 1
    }
    this.listener?.onAck(id, data, at, end)
  }

  private over(reason: string): void {
    this.settled(new Error(reason))
    this.tcp.destroy()
    const { listener } = this
    this.listener = null
    listener?.onClose(reason)
  }

  private settled(error: Error | null): void {
    const { settle } = this
    this.settle = null
    settle?.(error)
  }
}
