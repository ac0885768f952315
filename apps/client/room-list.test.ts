import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pass, ScriptedClient } from '../../tests/support/scripted-client.js'
import { ROOM, ScriptedRoom } from '../../tests/support/scripted-room.js'
import type { ScriptedSocket } from '../../tests/support/scripted-socket.js'

type Asked = { readonly to: string; readonly answer: (body: unknown) => void }

let on: ScriptedClient
let socket: ScriptedSocket
let server: ScriptedRoom
let asked: Asked[]

const standing = (name: string, headSeq: number, unread = 0, id = ROOM) => ({
  room: { ...server.joined().room, id, name, headSeq },
  role: 'member',
  readSeq: 0,
  unread,
})
const page = (...rooms: object[]) => ({ rooms, nextCursor: null })
const change = (headSeq: number, unread: number, role: 'member' | null = 'member') =>
  socket.push('room:changed', { roomId: ROOM, role, headSeq, readSeq: 0, unread })
/** Each room as `name@headSeq unread`. */
const shown = (): string[] =>
  on.client.rooms.getSnapshot().rooms.map(({ room, unread }) => `${room.name}@${room.headSeq} ${unread}`)

async function answerNext(body: unknown): Promise<void> {
  const next = asked.shift()
  if (next === undefined) throw new Error('nothing was asked')
  next.answer(body)
  await pass(0)
}

async function load(...rooms: object[]): Promise<void> {
  const loaded = on.client.rooms.load()
  await pass(0)
  await answerNext(page(...rooms))
  await loaded
}

beforeEach(async () => {
  vi.useFakeTimers()
  on = new ScriptedClient()
  server = new ScriptedRoom()
  asked = []
  on.rooms = (to) => new Promise((answer) => asked.push({ to, answer }))
  await on.signIn()
  socket = await on.connected()
})
afterEach(async () => {
  await on.client.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('the list of rooms', () => {
  it('shows the new name of a room that is open, also where an older list is read meanwhile', async () => {
    await load(standing('A room', 2))
    socket.onEmit = (ack) => ack({ ok: true, data: server.joined() })
    on.client.openRoom(ROOM)
    await pass(0)
    const reloaded = on.client.rooms.load()
    await pass(0)
    const event = server.rename('Kitchen')
    socket.push('room:events', { roomId: ROOM, events: [event] })
    change(event.seq, 0)
    expect(shown()).toEqual([`Kitchen@${event.seq} 0`])
    await answerNext(page(standing('A room', event.seq - 1)))
    await reloaded
    expect(shown()).toEqual([`Kitchen@${event.seq} 0`])
    await load(standing('Garden', event.seq + 1))
    expect(shown()).toEqual([`Garden@${event.seq + 1} 0`])
  })

  it('shows a room that it did not have as the last change tells that came while it was read', async () => {
    await load()
    change(1, 1)
    change(2, 2)
    await pass(0)
    expect(asked).toHaveLength(1)
    await answerNext({ room: standing('Kitchen', 1).room })
    expect(shown()).toEqual(['Kitchen@2 2'])
  })

  it('shows no room that the user left while it was read', async () => {
    await load()
    change(1, 1)
    await pass(0)
    change(2, 0, null)
    await answerNext({ room: standing('Kitchen', 1).room })
    expect(shown()).toEqual([])
  })

  it('reads again after a reconnection, whatever was being read before it', async () => {
    await load(standing('Kitchen', 1))
    const loading = on.client.rooms.load()
    await pass(0)
    socket.drop()
    await pass(1_000)
    await on.connected()
    await answerNext(page(standing('Kitchen', 1)))
    await loading
    await answerNext(page(standing('Kitchen', 5)))
    expect(shown()).toEqual(['Kitchen@5 0'])
    expect(asked).toEqual([])
  })

  it('reads the next user’s rooms once, though the last one’s were being read', async () => {
    const old = on.client.rooms.load()
    await pass(0)
    await on.signIn()
    const loading = on.client.rooms.load()
    await pass(0)
    await answerNext(page(standing('of the last user', 1)))
    await old
    const again = on.client.rooms.load()
    await pass(0)
    expect(asked).toHaveLength(1)
    expect(shown()).toEqual([])
    await answerNext(page(standing('Kitchen', 1)))
    await Promise.all([loading, again])
    expect(shown()).toEqual(['Kitchen@1 0'])
  })
})
