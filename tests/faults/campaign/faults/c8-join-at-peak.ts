import type { Message } from '../../../../apps/client/index.js'
import type { Fault } from '../fault.js'
import { edit, remove } from '../workload/operations/changing.js'
import { RawSocket } from '../workload/raw-socket.js'
import type { World } from '../world.js'
import { RoomView } from './room-view.js'

const JOINS = 60

type Joined = { readonly socket: RawSocket; readonly view: RoomView }

/** Each joins with the snapshot while the room is at its busiest, and is to end up with what the room then holds. */
export const joinAtPeak: Fault = {
  name: 'C8',
  title: 'clients join at the busiest moment: the snapshot and the events after it are the room',
  scale: `${JOINS} joins`,
  workload: { operationsPerSecond: 90 },
  schedule: (draw, { seconds, processes }) =>
    Array.from({ length: JOINS }, () => ({
      atMs: draw.between(0, seconds * 1_000),
      forMs: 0,
      act: 'join',
      target: `i${draw.between(1, processes)}`,
    })),
  start(world) {
    const joined: Joined[] = []
    return {
      async inject({ target }) {
        const one = await join(world, target, joined.length)
        if (one !== null) joined.push(one)
        return undefined
      },
      async checks() {
        const truth = await allMessages(world)
        const staying = joined.filter(({ view }) => !view.isOver)
        const violations = staying.flatMap(({ view, socket }) =>
          socket.isOpen
            ? view.differences(truth).map((what) => `${socket.conn}: ${what}`)
            : [`${socket.conn} was lost`],
        )
        for (const { socket } of joined) socket.close()
        return [{ name: 'snapshots and events compared with the room', checked: staying.length, violations }]
      },
    }
  },
}

async function join(world: World, target: string, number: number): Promise<Joined | null> {
  const { hotRoom, writer, draw } = world
  const account = draw.pick([...hotRoom.members])
  const view = new RoomView(account.userId)
  // Two messages are changed while the snapshot is read.
  const changes = [world.operate(edit), world.operate(remove)]
  const socket = await RawSocket.open(writer, {
    client: `joiner-${number}`,
    user: account.userId,
    login: account.login,
    at: world.instance(target),
    onPush: (event, payload) => {
      if (event === 'room:events' && payload.roomId === hotRoom.id) view.receive(payload)
    },
  })
  const answer = await socket?.call('room:join', { roomId: hotRoom.id }, { f: 'join', room: hotRoom.id })
  await Promise.all(changes)
  if (socket === null || answer?.is !== 'ok') return null
  view.begin(answer.data)
  return { socket, view }
}

/** Of the hot room, page by page. */
async function allMessages({ hotRoom, instances }: World): Promise<readonly Message[]> {
  const messages: Message[] = []
  const [at] = instances
  for (let hasMore = true; hasMore; ) {
    const after = messages.at(-1)?.seq ?? 0
    const response = await fetch(`${at?.url}/api/v1/rooms/${hotRoom.id}/messages?after=${after}&limit=200`, {
      headers: { authorization: `Bearer ${hotRoom.owner.login.accessToken}` },
    })
    const page = (await response.json()) as { messages: Message[]; hasMore: boolean }
    messages.push(...page.messages)
    hasMore = page.hasMore
  }
  return messages
}
