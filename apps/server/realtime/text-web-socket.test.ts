import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeFrame, RawSocket } from '../../../tests/server/hostile/raw-socket.js'
import { useTextWebSockets } from './text-web-socket.js'

const MAX_BYTES = 1_000

type Session = {
  readonly transport: { readonly socket: { on(event: 'message', listener: (data: Buffer) => void): void } }
  on(event: 'data', listener: (message: string) => void): void
}

describe('a WebSocket of text', () => {
  let server: Server
  let url: string

  beforeEach(async () => {
    server = new Server(createServer(), { maxHttpBufferSize: MAX_BYTES })
    useTextWebSockets(server)
    const http = server.httpServer
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  })
  afterEach(() => server.close())

  it('hears a plain message without ws, and what is none by it', async () => {
    const heard: string[] = []
    const byWs: string[] = []
    server.engine.on('connection', (session: Session) => {
      session.on('data', (message) => heard.push(message))
      session.transport.socket.on('message', (message) => byWs.push(String(message)))
    })
    const raw = await RawSocket.open(url)
    await raw.connect({})
    raw.send('42["plain"]')
    raw.frame({ payload: '42["in ', fin: false })
    raw.frame({ payload: 'parts"]', opcode: 0 })
    await vi.waitFor(() => expect(heard).toEqual(['0{}', '2["plain"]', '2["in parts"]']))
    expect(byWs).toEqual(['42["in parts"]'])
    raw.destroy()
  })

  it('is closed by ws for a message above the limit of the server', async () => {
    const raw = await RawSocket.open(url)
    raw.send('x'.repeat(MAX_BYTES + 1))
    await raw.untilClosed()
    expect(raw.closeCode).toBe(1009)
  })

  it('is left to ws where part of a message came together with the request for the upgrade', async () => {
    const raw = RawSocket.ask(url)
    void raw.write(encodeFrame({ payload: '4begun', fin: false }))
    await raw.next((text) => text.startsWith('0'))
    // A new message within the one that was begun.
    raw.send('4within')
    await raw.untilClosed()
    expect(raw.closeCode).toBe(1002)
  })
})
