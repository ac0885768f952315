import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Manager, type Socket } from 'socket.io-client'
import { describe, expect, it, type TestContext } from 'vitest'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'
import { Ledger } from '../faults/ledger.js'
import { Sender } from '../faults/sender.js'
import { type Instances, startInstances } from '../support/instances.js'
import { type Ack, call, expectOk, Person, request, until } from '../support/person.js'
import { temporaryDirectory } from '../support/postgres-cluster.js'
import { canRunTwo, serverMode } from '../support/server-mode.js'
import { type RunningServer, startServer } from '../support/server-process.js'

/** The promise is 30 s; with nothing that hangs it is far less. */
const SOON_MS = 10_000

async function start(count: number, { onTestFinished }: TestContext): Promise<Instances> {
  const instances = await startInstances(count)
  onTestFinished(() => instances.stop())
  return instances
}

type Farewell = { readonly reason: string; readonly retryAfterMs?: number }

function farewellOf(socket: Socket): Promise<Farewell> {
  return new Promise((resolve) => socket.once('session:ended', resolve))
}

const draftIn = (roomId: string) => ({ roomId, clientMessageId: randomUUID(), text: 'Are you there?' })

/** Holds the row of a room, so that a send in it is under way until `release`. */
async function holdRoom({ sql }: Instances, roomId: string): Promise<{ release(): Promise<void> }> {
  const connection = await sql.reserve()
  await connection`begin`
  await connection`select from rooms where id = ${roomId} for update`
  return {
    async release() {
      await connection`rollback`
      connection.release()
    },
  }
}

/** The exit code, and how long it took from the signal. */
async function endBy(server: RunningServer, signal: 'SIGTERM' | 'SIGINT') {
  const startedMs = Date.now()
  server.signal(signal)
  const code = await server.ended()
  return { code, tookMs: Date.now() - startedMs }
}

describe('a server that is told to end', () => {
  it.concurrent('answers what is under way, takes nothing new, says goodbye and exits with 0', async (context) => {
    const instances = await start(1, context)
    const [server] = instances.servers
    if (server === undefined) throw new Error('one server runs')
    const ada = await Person.signUp(server.url, 'Ada')
    const ben = await Person.signUp(server.url, 'Ben')
    const roomId = await ada.createRoom()
    await ada.invite(roomId, ben)
    const [adas, bens] = [await ada.connect(), await ben.connect()]
    const farewells = Promise.all([farewellOf(adas), farewellOf(bens)])

    const held = await holdRoom(instances, roomId)
    const draft = draftIn(roomId)
    const underWay = call(adas, 'message:send', draft)
    // Answered after the send was taken: one socket's events are taken in order.
    await expectOk(call(adas, 'typing:set', { roomId, typing: false }))
    server.signal('SIGTERM')
    await until('it is not ready', async () => (await fetch(`${server.url}/readyz`)).status === 503)
    const report = await request(server.url, 'GET', '/readyz')
    expect(report.body).toMatchObject({ status: 'unavailable', checks: { draining: 'unavailable' } })
    const refused = await call(bens, 'message:send', draftIn(roomId))
    expect(refused).toMatchObject({ ok: false, error: { code: 'UNAVAILABLE' } })
    expect(refused.ok || refused.error.retryAfterMs).toBeGreaterThan(0)
    await expect(ben.connect()).rejects.toMatchObject({ data: { code: 'UNAVAILABLE' } })

    await held.release()
    const { message } = await expectOk(underWay)
    for (const { reason, retryAfterMs } of await farewells) {
      expect(reason).toBe('draining')
      expect(retryAfterMs).toBeGreaterThan(0)
      expect(retryAfterMs).toBeLessThanOrEqual(30_000)
    }
    expect(await server.ended()).toBe(0)
    await until('the sockets are closed', () => !adas.connected && !bens.connected)
    const next = await startServer(instances.variables)
    instances.servers.push(next)
    const { body } = await ada.http('GET', `/rooms/${roomId}/messages`, undefined, next.url)
    expect(body.messages).toMatchObject([{ id: (message as { id: string }).id, text: draft.text }])
  })

  it.concurrent('ends in time although connections hang that never finish asking', async (context) => {
    const instances = await start(1, context)
    const [server] = instances.servers
    if (server === undefined) throw new Error('one server runs')
    const { hostname, port } = new URL(server.url)
    const others = async () => expect((await fetch(`${server.url}/livez`)).status).toBe(200)
    await others()
    const silent = connect(Number(port), hostname)
    const half = connect(Number(port), hostname)
    for (const socket of [silent, half]) socket.on('error', () => undefined)
    await new Promise((resolve) => half.write('GET /livez HTTP/1.1\r\nHost: x\r\n', resolve))
    // Connected, and not signed in.
    const manager = new Manager(server.url, {
      transports: ['websocket'],
      autoConnect: false,
      reconnection: false,
    })
    await new Promise((resolve) => manager.open(resolve))
    await others()
    const { code, tookMs } = await endBy(server, 'SIGTERM')
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(20_000)
    silent.destroy()
    half.destroy()
  })

  it.concurrent('takes a second signal as the same one', async (context) => {
    const instances = await start(1, context)
    const [server] = instances.servers
    if (server === undefined) throw new Error('one server runs')
    const ada = await Person.signUp(server.url, 'Ada')
    const roomId = await ada.createRoom()
    const socket = await ada.connect()
    const held = await holdRoom(instances, roomId)
    const underWay: Promise<Ack> = call(socket, 'message:send', draftIn(roomId))
    await expectOk(call(socket, 'typing:set', { roomId, typing: false }))
    server.signal('SIGTERM')
    server.signal('SIGINT')
    server.signal('SIGTERM')
    await until('it is not ready', async () => (await fetch(`${server.url}/readyz`)).status === 503)
    await held.release()
    await expectOk(underWay)
    expect(await server.ended()).toBe(0)
  })

  it.for(['SIGTERM', 'SIGINT'] as const)('ends soon on %s while people talk', async (signal, context) => {
    const instances = await start(1, context)
    const [server] = instances.servers
    if (server === undefined) throw new Error('one server runs')
    const { senders, ledger, roomIds } = await talkers(server.url)
    for (const sender of senders) await sender.start(server.url)
    await until('some messages are acked', () => ledger.ackedCount > 20)
    const { code, tookMs } = await endBy(server, signal)
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(SOON_MS)
    for (const sender of senders) await sender.ended()

    const next = await startServer(instances.variables)
    instances.servers.push(next)
    for (const sender of senders) await sender.start(next.url)
    await until('what was open is sent again', () => senders.every(({ open }) => open.length === 0))
    for (const sender of senders) await sender.stop()
    await readAll(ledger, senders, roomIds, next.url)
  })

  if (serverMode === 'embedded')
    it('takes its embedded Postgres with it, and finds everything again', async () => {
      const directory = await temporaryDirectory()
      try {
        const first = await startServer({ PARLEY_DATA_DIR: directory.dataDir })
        const ada = await Person.signUp(first.url, 'Ada')
        const roomId = await ada.createRoom()
        const socket = await ada.connect()
        const draft = draftIn(roomId)
        const sent = await expectOk(call(socket, 'message:send', draft))
        expect(await endBy(first, 'SIGINT')).toMatchObject({ code: 0 })
        expect(await readPostmasterFile(join(directory.dataDir, 'postgres'))).toBeNull()

        const second = await startServer({ PARLEY_DATA_DIR: directory.dataDir })
        const again = await ada.connect(second.url)
        expect(await expectOk(call(again, 'message:send', draft))).toEqual(sent)
        ada.close()
        expect(await second.stop()).toBe(0)
      } finally {
        await directory.remove()
      }
    })
})

/** Six people in two rooms, who send without a pause. */
async function talkers(url: string) {
  const ledger = new Ledger()
  const senders: Sender[] = []
  const roomIds: string[] = []
  for (const names of [
    ['Ada', 'Ben', 'Cleo'],
    ['Dan', 'Eli', 'Fay'],
  ]) {
    const people = await Promise.all(names.map((name) => Person.signUp(url, name)))
    const [owner, ...guests] = people
    if (owner === undefined) throw new Error('a room has an owner')
    const roomId = await owner.createRoom()
    for (const guest of guests) await owner.invite(roomId, guest)
    roomIds.push(roomId)
    const onAck = ledger.promise.bind(ledger)
    for (const person of people)
      senders.push(new Sender(person, { rooms: [roomId], chance: Math.random, onAck }))
  }
  return { ledger, senders, roomIds }
}

async function readAll(ledger: Ledger, senders: readonly Sender[], roomIds: readonly string[], url: string) {
  for (const [index, roomId] of roomIds.entries()) {
    const members = senders.slice(index * 3, index * 3 + 3).map(({ person }) => person)
    for (const member of members.slice(0, 1)) await ledger.readOn(member, roomId, url)
    for (const member of members) await ledger.readAgain(member, roomId, url)
  }
  ledger.confirm()
}

if (canRunTwo)
  describe('a rolling restart under load', () => {
    it('fault N2: fails no send for good, loses no acked message, and tells every client to come back', async (context) => {
      const instances = await start(2, context)
      const { senders, ledger, roomIds } = await talkers(instances.urls[0] ?? '')
      /** Where a balancer would send a client; those that are ending are not in it. */
      let live = [...instances.servers]
      let over = false
      let returns = 0
      const farewells: Farewell[] = []
      const clients = senders.map(async (sender, index) => {
        while (!over) {
          const server = live[index % live.length]
          const started = await sender.start(server?.url ?? '').then(
            () => true,
            () => false,
          )
          if (!started) continue
          sender.person.sockets.at(-1)?.once('session:ended', (told: Farewell) => farewells.push(told))
          await sender.ended()
          returns += 1
        }
      })

      for (const old of instances.servers.slice(0, 2)) {
        const acked = ledger.ackedCount
        await until('the clients send', () => ledger.ackedCount > acked + 50, 30_000)
        const fresh = await startServer(instances.variables)
        instances.servers.push(fresh)
        live = [...live.filter((server) => server !== old), fresh]
        const { code, tookMs } = await endBy(old, 'SIGTERM')
        expect(code).toBe(0)
        expect(tookMs).toBeLessThan(SOON_MS)
      }
      const acked = ledger.ackedCount
      await until('the clients send on', () => ledger.ackedCount > acked + 50, 30_000)
      over = true
      await Promise.all([...senders.map((sender) => sender.stop()), ...clients])

      const url = live[0]?.url ?? ''
      for (const sender of senders) {
        await sender.start(url)
        await until('what was open is sent', () => sender.open.length === 0)
        await sender.stop()
        expect(sender.open).toEqual([])
      }
      await readAll(ledger, senders, roomIds, url)
      expect(ledger.ackedCount).toBe(ledger.storedCount)
      // Each of the two that ended had clients, which were told.
      expect(farewells.length).toBeGreaterThanOrEqual(senders.length)
      expect(new Set(farewells.map(({ reason }) => reason))).toEqual(new Set(['draining']))
      const waits = farewells.map(({ retryAfterMs }) => retryAfterMs)
      expect(waits.every((ms) => typeof ms === 'number' && ms > 0)).toBe(true)
      expect(new Set(waits).size, 'the return of the clients is spread').toBeGreaterThan(1)
      expect(returns).toBeGreaterThan(senders.length)
    }, 180_000)
  })
