import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ClusterProcess, type InstanceLine } from '../../support/cluster-process.js'
import { call, expectOk, type Json, Person, request, until } from '../../support/person.js'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/postgres-cluster.js'

let directory: TemporaryDirectory
let cluster: ClusterProcess
const people: Person[] = []

beforeAll(async () => {
  directory = await temporaryDirectory()
  cluster = await ClusterProcess.start(directory.dataDir, 3)
})
afterAll(async () => {
  await cluster?.stop()
  await directory?.remove()
})
afterEach(() => {
  for (const person of people.splice(0)) person.close()
})

async function roomOf(count: number): Promise<{ members: Person[]; roomId: string }> {
  const members: Person[] = []
  for (let index = 0; index < count; index++)
    members.push(await Person.signUp(cluster.url, `Member ${index}`))
  people.push(...members)
  const [owner, ...guests] = members
  if (owner === undefined) throw new Error('nobody')
  const roomId = await owner.createRoom()
  for (const guest of guests) await owner.invite(roomId, guest)
  return { members, roomId }
}

/** The newest start of each instance. */
const present = (): InstanceLine[] => [
  ...new Map(cluster.starts.map((start) => [start.number, start])).values(),
]

/** Signed-in sockets of an instance, as it tells itself. */
async function socketsOf({ url }: InstanceLine): Promise<number> {
  const answer = await request(url, 'GET', '/metrics')
  return Number(/^parley_sockets (\d+)$/m.exec(String(answer.body.text))?.[1])
}

const textsOf = async (person: Person, roomId: string): Promise<string[]> => {
  const texts: string[] = []
  for (let after = 0; ; ) {
    const { body } = await person.http('GET', `/rooms/${roomId}/messages?after=${after}&limit=200`)
    const messages = body.messages as { text: string; seq: number }[]
    texts.push(...messages.map(({ text }) => text))
    if (body.hasMore !== true) return texts
    after = messages.at(-1)?.seq ?? after
  }
}

const heardBy = (socket: Socket): string[] => {
  const texts: string[] = []
  socket.on('room:events', ({ events }: { events: { type: string; data: Json }[] }) => {
    for (const { type, data } of events)
      if (type === 'message.sent') texts.push((data.message as { text: string }).text)
  })
  return texts
}

describe('a cluster', () => {
  it('tells where it is, and where each of its instances', async () => {
    expect(present().map(({ number }) => number)).toEqual(expect.arrayContaining([1, 2, 3]))
    for (const url of [cluster.url, ...present().map((instance) => instance.url)])
      expect((await request(url, 'GET', '/readyz')).body.status).toBe('ok')
    // The balancer is not of this machine to its servers: it speaks for others.
    expect((await request(cluster.url, 'GET', '/metrics')).status).toBe(401)
  })

  it.each([
    { transports: ['websocket'] as const },
    { transports: ['polling'] as const },
    { transports: ['polling', 'websocket'] as const },
  ])('lets people at all instances talk, over $transports', async ({ transports }) => {
    const { members, roomId } = await roomOf(6)
    const sockets: Socket[] = []
    for (const member of members)
      sockets.push(await member.connect(cluster.url, { transports: [...transports] }))
    const counts = await Promise.all(present().map(socketsOf))
    expect(counts).toEqual([2, 2, 2])
    const heard = sockets.map(heardBy)
    for (const socket of sockets) await expectOk(call(socket, 'room:join', { roomId }))
    const said = sockets.map((_, index) => `from ${index}`)
    for (const [index, socket] of sockets.entries())
      await expectOk(
        call(socket, 'message:send', { roomId, clientMessageId: `m${index}`, text: said[index] }),
      )
    for (const texts of heard) await until('everyone has heard it', () => texts.length >= said.length)
    expect(heard).toEqual(sockets.map(() => said))
    expect(sockets.every(({ connected }) => connected)).toBe(true)
    expect([...new Set(sockets.map(({ io }) => io.engine.transport.name))]).toEqual([transports.at(-1)])
    for (const person of people.splice(0)) person.close()
    await until('they have left', async () =>
      (await Promise.all(present().map(socketsOf))).every((count) => count === 0),
    )
  })

  it('lets pages of the balancer in, and others not', async () => {
    const origin = cluster.url
    const path = '/socket.io/?EIO=4&transport=polling'
    expect((await request(cluster.url, 'GET', path, { headers: { origin } })).status).toBe(200)
    const foreign = await request(cluster.url, 'GET', path, { headers: { origin: 'http://example.org' } })
    expect(foreign.status).toBe(400)
  })

  it('goes on without an instance that is killed, loses nothing that was acked, and starts it again', async () => {
    const { members, roomId } = await roomOf(6)
    const sockets: Socket[] = []
    for (const member of members) {
      const options = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 500 }
      const socket = await member.connect(cluster.url, options)
      await expectOk(call(socket, 'room:join', { roomId }))
      sockets.push(socket)
    }
    const disconnects = sockets.map((socket) => {
      const seen = { count: 0 }
      socket.on('disconnect', () => {
        seen.count += 1
      })
      return seen
    })
    const acked: string[] = []
    let isSending = true
    const senders = sockets.map(async (socket, sender) => {
      for (let index = 0; isSending; index++) {
        const text = `${sender}-${index}`
        // With the same client id until it is acked, like every client.
        for (;;) {
          const ack = await socket
            .timeout(2_000)
            .emitWithAck('message:send', { roomId, clientMessageId: text, text })
            .catch(() => null)
          if (ack?.ok === true) break
          await sleep(50)
        }
        acked.push(text)
        await sleep(20)
      }
    })
    await until('they are talking', () => acked.length > 30)
    const [victim] = present()
    if (victim === undefined) throw new Error('no instance')
    process.kill(victim.pid, 'SIGKILL')
    await until('its sockets are gone', () => disconnects.some(({ count }) => count > 0))
    await until('all are connected', () => sockets.every(({ connected }) => connected))
    const before = acked.length
    await until('all go on', () => acked.length > before + 60)
    isSending = false
    await Promise.all(senders)

    expect(disconnects.filter(({ count }) => count > 0)).toHaveLength(2)
    const [reader] = members
    const stored = await textsOf(reader as Person, roomId)
    expect(stored.filter((text, index) => stored.indexOf(text) !== index)).toEqual([])
    expect(acked.filter((text) => !stored.includes(text))).toEqual([])

    expect(cluster.output).toContain(`Instance ${victim.number} has ended (SIGKILL): it is started again.`)
    const again = () => present().find(({ number }) => number === victim.number) as InstanceLine
    await until('it is started again', () => again().pid !== victim.pid, 30_000)
    expect((await request(again().url, 'GET', '/readyz')).status).toBe(200)
    const newcomer = await Person.signUp(cluster.url, 'Newcomer')
    people.push(newcomer)
    await newcomer.connect()
    expect(await socketsOf(again())).toBe(1)
  })

  it('sends nobody new to an instance that says it is leaving, and starts another in its place', async () => {
    const [leaving] = present()
    if (leaving === undefined) throw new Error('no instance')
    const answers: number[] = []
    let isAsking = true
    const asking = (async () => {
      while (isAsking) {
        answers.push((await request(cluster.url, 'GET', '/api/v1/me')).status)
        await sleep(10)
      }
    })()
    process.kill(leaving.pid, 'SIGTERM')
    await until(
      'another has taken its place',
      () => present().every(({ pid }) => pid !== leaving.pid),
      40_000,
    )
    isAsking = false
    await asking
    // Nobody is signed in; what could not be passed on would be 503.
    expect(answers.filter((status) => status !== 401 && status !== 503)).toEqual([])
    expect(answers.filter((status) => status === 503).length).toBeLessThanOrEqual(2)
  })
})
