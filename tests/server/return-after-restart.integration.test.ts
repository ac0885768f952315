import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { startServer } from '../support/server-process.js'

let instances: Instances
beforeAll(async () => {
  instances = await startInstances(1)
})
afterAll(() => instances?.stop())

it('lets an ordinary Socket.io client come back by itself after a restart, and catch up with since', async () => {
  const [server] = instances.servers
  const nora = await Person.signUp(server?.url ?? '', 'Nora')
  const roomId = await nora.createRoom()
  const socket = await nora.connect(server?.url, { reconnection: true, reconnectionDelayMax: 1_000 })
  const { headSeq } = await expectOk(call(socket, 'room:join', { roomId }))
  const farewell = new Promise<{ reason: string }>((resolve) => socket.once('session:ended', resolve))
  expect(await server?.stop()).toBe(0)
  expect((await farewell).reason).toBe('draining')

  const { port } = new URL(server?.url ?? '')
  const next = await startServer({ ...instances.variables, PORT: port })
  instances.servers.push(next)
  await nora.http('POST', `/rooms/${roomId}/messages`, {
    clientMessageId: 'one',
    text: 'While you were away',
  })
  await until('the socket is back', () => socket.connected)
  const { events } = await expectOk(call(socket, 'room:join', { roomId, since: headSeq }))
  expect(events).toMatchObject([{ type: 'message.sent', data: { message: { text: 'While you were away' } } }])
  nora.close()
})
