import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket as NetSocket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { attach, type Server as EngineServer, type Socket as EngineSocket } from 'engine.io'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeFrame, RawSocket } from '../../../tests/server/hostile/raw-socket.js'
import { readTextFrames } from './read-text-frames.js'

const MAX_BYTES = 65_536

/** A connection of Engine.IO, what arrived by it, and what did not come by way of `ws`. */
class Heard {
  readonly messages: string[] = []
  readonly short: string[] = []
  private readonly connection: NetSocket
  private readonly webSocket: {
    readonly OPEN: number
    readonly readyState: number
    readonly _socket: NetSocket
  }

  constructor(
    readonly raw: RawSocket,
    engine: EngineSocket,
    isRead: boolean,
  ) {
    this.webSocket = (engine.transport as unknown as { socket: Heard['webSocket'] }).socket
    this.connection = this.webSocket._socket
    engine.on('data', (message: string) => this.messages.push(message))
    if (!isRead) return
    const { transport } = engine as unknown as { transport: { onData(data: string): void } }
    readTextFrames(this.connection, MAX_BYTES, (message) => {
      this.short.push(message)
      transport.onData(message)
    })
  }

  get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN
  }

  /** Whether the client knows how the connection was closed. */
  get hasEnded(): boolean {
    return this.raw.closeCode !== null || this.raw.closed
  }

  /** As if the network had brought it in these pieces. */
  hear(bytes: Buffer, cuts: readonly number[] = []): void {
    const ends = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].sort((a, b) => a - b)
    let from = 0
    for (const end of ends) {
      // A copy, as what is read is unmasked where it lies.
      if (end > from) this.connection.emit('data', Buffer.from(bytes.subarray(from, end)))
      from = end
    }
  }
}

describe('reading plain text frames', () => {
  let http: HttpServer
  let engine: EngineServer

  beforeEach(async () => {
    http = createServer()
    engine = attach(http, { path: '/socket.io/', transports: ['websocket'], maxHttpBufferSize: MAX_BYTES })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    engine.close()
    http.close()
  })

  async function connect(isRead: boolean): Promise<Heard> {
    const opened = new Promise<EngineSocket>((resolve) => engine.once('connection', resolve))
    const { port } = http.address() as AddressInfo
    const raw = await RawSocket.open(`http://127.0.0.1:${port}`)
    return new Heard(raw, await opened, isRead)
  }

  const messageOf = (text: string) => encodeFrame({ payload: `4${text}` })

  it('takes all that a chunk brings, in order', async () => {
    const heard = await connect(true)
    const texts = ['a', 'é'.repeat(62), 'x'.repeat(125), '😀'.repeat(100), 'y'.repeat(65_534)]
    heard.hear(Buffer.concat(texts.map(messageOf)))
    expect(heard.messages).toEqual(texts)
    expect(heard.short).toHaveLength(texts.length)
    heard.raw.destroy()
  })

  it.each([
    ['a frame in parts', messageOf('cut'), [4]],
    ['a header in parts', messageOf('x'.repeat(200)), [3]],
    [
      'a message in fragments',
      Buffer.concat([
        encodeFrame({ payload: '4c', fin: false }),
        encodeFrame({ payload: 'ut', opcode: 0, fin: true }),
      ]),
      [],
    ],
    ['a ping', Buffer.concat([encodeFrame({ payload: 'are you there?', opcode: 9 }), messageOf('cut')]), []],
    ['65,536 bytes', messageOf('x'.repeat(65_535)), []],
  ])('leaves %s to ws, and what follows', async (_, bytes, cuts) => {
    const heard = await connect(true)
    heard.hear(messageOf('before'))
    heard.hear(bytes, cuts)
    heard.hear(Buffer.concat([messageOf('after'), messageOf('and on')]))
    expect(heard.messages).toHaveLength(4)
    expect(heard.messages.slice(2)).toEqual(['after', 'and on'])
    expect(heard.short).toEqual(['4before'])
    heard.raw.destroy()
  })

  const frame = fc.oneof(
    { weight: 12, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }).map(messageOf) },
    fc.constantFrom(125, 126, 65_534, 65_535, 65_536).map((length) => messageOf('x'.repeat(length))),
    fc.constant(encodeFrame({ payload: 'ping', opcode: 9 })),
    fc.constant(encodeFrame({ payload: '4begun', fin: false })),
    fc.constant(encodeFrame({ payload: 'ended', opcode: 0 })),
    fc.constant(encodeFrame({ payload: Buffer.from([0x34, 0xc3, 0x28]) })),
    fc.constant(encodeFrame({ payload: '4plain', masked: false })),
    fc.constant(encodeFrame({ payload: '4rsv', rsv: 4 })),
    fc.constant(encodeFrame({ payload: Buffer.from([0x03, 0xe8]), opcode: 8 })),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  )

  it('hears whatever comes, however it is cut, as ws hears it', async () => {
    const chunks = fc.array(fc.tuple(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.array(fc.nat())), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(chunks, async (sent) => {
        const [read, plain] = [await connect(true), await connect(false)]
        for (const [frames, cuts] of sent)
          for (const heard of [read, plain]) heard.hear(Buffer.concat(frames), cuts.slice(0, 8))
        expect(read.messages).toEqual(plain.messages)
        // `ws` judges in the next tick.
        await nextTurn()
        expect(read.isOpen).toBe(plain.isOpen)
        if (!plain.isOpen)
          await vi.waitFor(() => expect([read.hasEnded, plain.hasEnded]).toEqual([true, true]))
        expect(read.raw.closeCode).toBe(plain.raw.closeCode)
        for (const { raw } of [read, plain]) raw.destroy()
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
