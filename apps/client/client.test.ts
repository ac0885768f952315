import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MemoryServer, startMemoryServer } from '../../tests/support/memory-server.js'
import { until } from '../../tests/support/person.js'
import { createClient, memoryStorage, type ParleyClient, type RoomHandle } from './index.js'

let server: MemoryServer
const clients: ParleyClient[] = []

beforeEach(async () => {
  server = await startMemoryServer()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await server.stop()
})

async function signUp(name: string): Promise<ParleyClient> {
  const client = createClient({ url: server.url, storage: memoryStorage() })
  clients.push(client)
  await client.signUp({
    email: `${name.toLowerCase()}@example.org`,
    password: 'a long and quiet sentence',
    displayName: name,
  })
  return client
}

/** Two people in a room that both have open. */
async function inOneRoom() {
  const ann = await signUp('Ann')
  const ben = await signUp('Ben')
  const { id } = await ann.createRoom({ name: 'Kitchen' })
  const { code } = await ann.invite(id)
  await ben.acceptInvitation(code)
  const [anns, bens] = [ann.openRoom(id), ben.openRoom(id)]
  await Promise.all([anns.ready(), bens.ready()])
  return { ann, ben, anns, bens, roomId: id }
}

const texts = (room: RoomHandle): string[] => room.getSnapshot().messages.map(({ text }) => text)
const userId = (client: ParleyClient): string => client.session.getSnapshot().user?.id ?? ''

describe('two clients in a room', () => {
  it('see the same messages, edits, reactions and tombstones', async () => {
    const { anns, bens } = await inOneRoom()
    const { outcome } = await anns.send('Hello')
    const sent = await outcome
    if (sent.status !== 'delivered') throw new Error(sent.status)
    await until('Ben has it', () => texts(bens).length === 1)
    await anns.edit(sent.message.id, 'Hello, Ben')
    await bens.react(sent.message.id, '👍')
    await until('both have it all', () => anns.getSnapshot().messages[0]?.reactions['👍'] !== undefined)
    await until('both are at one head', () => bens.getSnapshot().headSeq === anns.getSnapshot().headSeq)
    expect(bens.getSnapshot().messages).toEqual(anns.getSnapshot().messages)
    expect(texts(bens)).toEqual(['Hello, Ben'])
    await anns.delete(sent.message.id)
    await until('Ben has the tombstone', () => bens.getSnapshot().messages[0]?.deletedAt !== null)
    expect(texts(bens)).toEqual([''])
  })

  it('have each message in its order and once, while one moves to another connection', async () => {
    const { ann, anns, bens } = await inOneRoom()
    const all = Array.from({ length: 40 }, (_, index) => `message ${index}`)
    const outgoing = []
    for (const [index, text] of all.entries()) {
      outgoing.push(await anns.send(text))
      if (index % 10 === 5) ann.reconnect()
    }
    const outcomes = await Promise.all(outgoing.map(({ outcome }) => outcome))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['delivered']))
    await until('both have them', () => texts(bens).length >= 40 && texts(anns).length >= 40)
    expect(texts(bens)).toEqual(all)
    expect(texts(anns)).toEqual(all)
    expect(anns.getSnapshot().outgoing).toEqual([])
  })

  it('part when one is removed, with the event that says so', async () => {
    const { ann, ben, anns, bens, roomId } = await inOneRoom()
    await ann.removeMember(roomId, userId(ben))
    await until('it has ended', () => bens.getSnapshot().status === 'ended')
    expect(bens.getSnapshot()).toMatchObject({ error: null })
    const head = bens.getSnapshot().headSeq
    await (await anns.send('Alone now')).outcome
    const refused = await (await ben.outbox.send(roomId, 'Am I?')).outcome
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' }, uncertain: false })
    expect(bens.getSnapshot().headSeq).toBe(head)
    expect(ben.outbox.getSnapshot()).toMatchObject([{ text: 'Am I?', state: 'failed' }])
  })
})
