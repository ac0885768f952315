import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from 'socket.io'
import { describe, expect, it } from 'vitest'
import { comeBack } from './coming-back.js'
import { gather } from './crowd.js'

async function serveOn(port: number): Promise<{ readonly io: Server; readonly http: HttpServer }> {
  const http = createServer()
  const io = new Server(http, { perMessageDeflate: false })
  io.on('connection', (socket) => {
    socket.on('room:join', (_room: unknown, ack: (answer: unknown) => void) => ack({ ok: true }))
  })
  http.listen(port, '127.0.0.1')
  await once(http, 'listening')
  return { io, http }
}

const portOf = ({ http }: { readonly http: HttpServer }): number => (http.address() as AddressInfo).port

describe('clients that come back', () => {
  it('count from the server that lets them in, not from one that only accepted', async () => {
    const first = await serveOn(0)
    const port = portOf(first)
    const clients = [0, 1, 2].map(() => ({ token: 't', rooms: [0] }))
    const crowd = { urls: [`http://127.0.0.1:${port}`] as const, roomIds: ['room'], clients }
    const back = comeBack(crowd, await gather(crowd))
    await first.io.close()
    // As the kernel accepts for a process that is just being killed.
    const dying = createTcpServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    await once(dying, 'connection')
    await sleep(300)
    await new Promise((resolve) => dying.close(resolve))
    const againMs = performance.timeOrigin + performance.now()
    const again = await serveOn(port)
    const { present, result } = await back
    expect(present).toHaveLength(3)
    expect(result.listeningAtMs).toBeGreaterThanOrEqual(againMs)
    expect(result.allBackAtMs).toBeGreaterThanOrEqual(result.listeningAtMs)
    for (const { socket } of present) socket.close()
    await again.io.close()
  })
})
