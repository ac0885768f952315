import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ScriptedLink } from '../../tests/support/scripted-link.js'
import { OTHER, ROOM, ScriptedRoom, SELF } from '../../tests/support/scripted-room.js'
import { environmentOf } from './environment.js'
import { ParleyError } from './errors.js'
import { Heads } from './heads.js'
import type { Requests } from './requests.js'
import { OpenRoom } from './room.js'
import { Store } from './store.js'
import type { Outbox, OutboxItem } from './types.js'
import type { RoomEvent } from './wire.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let room: OpenRoom
let server: ScriptedRoom
/** What `message:list` does. */
let list: () => Promise<unknown>

beforeEach(() => {
  server = new ScriptedRoom(5)
  for (let count = 1; count <= 20; count += 1) server.send(`message ${count}`)
  const link = new ScriptedLink()
  link.onCall = ({ answer }) => answer(server.joined())
  room = new OpenRoom({
    roomId: ROOM,
    userId: SELF,
    link: link.asLink,
    heads: new Heads(),
    requests: { socket: () => list() } as unknown as Requests,
    outbox: new Store<readonly OutboxItem[]>([]) as unknown as Outbox,
    environment: environmentOf(),
    deadlineMs: 1_000,
    messagesKept: 10,
    onRoom: () => undefined,
    onClose: () => undefined,
  })
})
afterEach(() => room.dispose(new ParleyError('CLOSED', 'The client was closed.')))

/** An event that nothing else holds, as one that was read off the wire. */
function push(): WeakRef<RoomEvent> {
  const event = structuredClone(server.react('m-3', OTHER))
  room.receive('room:events', { roomId: ROOM, events: [event] })
  return new WeakRef(event)
}

async function isCollected(event: WeakRef<RoomEvent>): Promise<boolean> {
  // A weak reference holds for as long as the turn in which it was made or read.
  await new Promise((resolve) => setTimeout(resolve))
  collectGarbage()
  return event.deref() === undefined
}

describe('an open room', () => {
  it.each([
    ['was refused', () => Promise.reject(new ParleyError('TIMEOUT', 'late'))],
    [
      'came after the messages had begun anew',
      async () => {
        for (let count = 1; count <= 20; count += 1)
          room.receive('room:events', { roomId: ROOM, events: [server.send(`later ${count}`)] })
        return { messages: [], headSeq: server.headSeq, hasMore: true }
      },
    ],
  ])('keeps no events after an older page that %s', async (_what, answer) => {
    await room.ready()
    list = answer
    await room.loadOlder().catch((error: ParleyError) => expect(error.code).toBe('TIMEOUT'))
    const event = push()
    expect(room.getSnapshot().headSeq).toBe(server.headSeq)
    expect(await isCollected(event)).toBe(true)
  })

  it('keeps those that come while an older page is on its way', async () => {
    await room.ready()
    let fail: (error: ParleyError) => void = () => undefined
    list = () =>
      new Promise((_resolve, reject) => {
        fail = reject
      })
    const loading = room.loadOlder().catch((error: ParleyError) => error.code)
    const event = push()
    expect(await isCollected(event)).toBe(false)
    fail(new ParleyError('TIMEOUT', 'late'))
    expect(await loading).toBe('TIMEOUT')
  })
})
