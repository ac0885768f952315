import type { Message } from '../../../../apps/client/index.js'
import type { Fault } from '../fault.js'
import type { Account } from '../workload/account.js'
import { editIn, removeIn } from '../workload/operations/changing.js'
import { RawSocket } from '../workload/raw-socket.js'
import type { Instance, World } from '../world.js'
import { RoomView } from './room-view.js'

const JOINS = 60

type Joined = { readonly socket: RawSocket; readonly view: RoomView; readonly changes: number }

/** Each joins with the snapshot while the room is at its busiest, and is to end up with what the room then holds. */
export const joinAtPeak: Fault = {
  name: 'C8',
  title: 'clients join at the busiest moment: the snapshot and the events after it are the room',
  scale: `${JOINS} joins`,
  workload: { operationsPerSecond: 90 },
  schedule: (draw, { seconds, processes, people }) =>
    Array.from({ length: JOINS }, () => ({
      atMs: draw.between(0, seconds * 1_000),
      forMs: 0,
      act: `join as member ${draw.between(1, people)}`,
      target: `i${draw.between(1, processes)}`,
    })),
  start(world) {
    const joined: Joined[] = []
    let made = 0
    return {
      async inject({ act, target }) {
        made += 1
        const members = [...world.hotRoom.members]
        const account = members[Number(act.split(' ').at(-1)) % members.length] as Account
        const one = await join(world, world.instance(target), account, made)
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
        const changes = joined.reduce((sum, each) => sum + each.changes, 0)
        return [
          { name: 'snapshots and events compared with the room', checked: staying.length, violations },
          {
            name: 'messages of the room changed while somebody joined',
            checked: changes,
            violations: [],
            seen: `${changes} at ${joined.length} joins`,
          },
        ]
      },
    }
  },
}

async function join(world: World, at: Instance, account: Account, number: number): Promise<Joined | null> {
  const { hotRoom, writer } = world
  const view = new RoomView(account.userId)
  const socket = await RawSocket.open(writer, {
    client: `joiner-${number}`,
    user: account.userId,
    login: account.login,
    at,
    onPush: (event, payload) => {
      if (event === 'room:events' && payload.roomId === hotRoom.id) view.receive(payload)
    },
  })
  // Two messages are changed while the snapshot is read.
  const changing = [world.operate(editIn(hotRoom)), world.operate(removeIn(hotRoom))]
  const answer = await socket?.call('room:join', { roomId: hotRoom.id }, { f: 'join', room: hotRoom.id })
  const done = await Promise.all(changing)
  if (socket === null || answer?.is !== 'ok') return null
  view.begin(answer.data)
  return { socket, view, changes: done.filter(Boolean).length }
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
