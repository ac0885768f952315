import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

type Send = { readonly io: Server; readonly roomId: string; readonly senderId: string; readonly text: string }

export type Reference = {
  join(roomId: string): Promise<void>
  /** Stores where it stores, tells the room, and answers what the ack carries. */
  send(message: Send): Promise<Record<string, unknown>>
}

type Ack = (answer: { ok: boolean; data?: unknown; error?: string }) => void

/** The Socket.io server that both references share, with the options that Parley has; it trusts whoever connects. */
export function serve(reference: Reference): void {
  const http = createServer()
  const io = new Server(http, {
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: 65_536,
  })
  io.on('connection', (socket) => {
    const senderId = String(socket.handshake.auth.token)
    socket.on('room:join', async ({ roomId }: { roomId: string }, ack: Ack) => {
      await reference.join(roomId)
      await socket.join(roomId)
      ack({ ok: true })
    })
    socket.on('message:send', ({ roomId, text }: { roomId: string; text: string }, ack: Ack) => {
      reference.send({ io, roomId, senderId, text }).then(
        (data) => ack({ ok: true, data }),
        (error: unknown) => ack({ ok: false, error: String(error) }),
      )
    })
  })
  http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    const { port } = http.address() as AddressInfo
    process.stdout.write(`The reference is ready: http://127.0.0.1:${port}\n`)
  })
}
