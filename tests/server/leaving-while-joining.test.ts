import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MemoryServer, startMemoryServer } from '../support/memory-server.js'
import { call, expectOk, Person } from '../support/person.js'

let server: MemoryServer
beforeAll(async () => {
  server = await startMemoryServer()
})
afterAll(() => server?.stop())

/** A socket of Ada's that tells what it is sent of a room, and another that writes into it. */
async function openRoom() {
  const ada = await Person.signUp(server.url, 'Ada')
  const roomId = await ada.createRoom()
  const [socket, other] = [await ada.connect(), await ada.connect()]
  const texts: string[] = []
  type Sent = { readonly data: { readonly message: { readonly text: string } } }
  socket.on('room:events', ({ events }: { events: readonly Sent[] }) =>
    texts.push(...events.map(({ data }) => data.message.text)),
  )
  const send = (text: string) =>
    expectOk(call(other, 'message:send', { roomId, clientMessageId: text, text }))
  return { ada, roomId, socket, texts, send }
}

describe('a room that a socket leaves while it joins it', () => {
  it('is left, whatever the join is answered', async () => {
    const { ada, roomId, socket, texts, send } = await openRoom()
    const join = call(socket, 'room:join', { roomId })
    await expectOk(call(socket, 'room:leave', { roomId }))
    await join
    await send('unheard')
    // Events and answers come in order over one connection.
    await expectOk(call(socket, 'presence:set', { state: 'online' }))
    expect(texts).toEqual([])
    const channels = [...(server.io.sockets.sockets.get(socket.id ?? '')?.rooms ?? [])]
    expect(channels).toContain(socket.id)
    expect(channels.filter((channel) => channel.includes(roomId))).toEqual([])
    ada.close()
  })

  it('is joined where the socket joins it once more', async () => {
    const { ada, roomId, socket, texts, send } = await openRoom()
    const first = call(socket, 'room:join', { roomId })
    const left = call(socket, 'room:leave', { roomId })
    await expectOk(call(socket, 'room:join', { roomId }))
    await Promise.all([first, left])
    await send('heard')
    await expect.poll(() => texts).toEqual(['heard'])
    ada.close()
  })
})
