import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../../checker/grouping.js'
import type { Fault } from '../fault.js'
import { metricsOf } from '../samples.js'
import type { Account } from '../workload/account.js'
import { RawSocket } from '../workload/raw-socket.js'
import { createRoom, inGroups, inviteAll, type RoomRecord } from '../workload/rooms.js'
import { type Json, tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'
import { asFast, type Sends, sendMeanwhile } from './as-fast.js'
import { closeAll, openProbes } from './probe.js'

const MEMBERS = 500
const PER_SECOND = 20
/** Everybody has the message by then, as everywhere: L7. */
const DELIVERED_WITHIN_MS = 2_000
const LOOP_DELAY_MS = 500
/** Probes at each instance, in rooms of the workload. */
const OTHERS = 2
const BEFORE_MS = 5_000

type Arrivals = { readonly sentMs: number; first: number; last: number; count: number }

export const largeRoom: Fault = {
  name: 'H1',
  title: 'a large room is busy, and the others do not notice',
  scale: `${MEMBERS} members, ${PER_SECOND} messages a second`,
  readersPerRoom: 1,
  workload: { operationsPerSecond: 20 },
  schedule: (_draw, { seconds }) => [
    {
      atMs: 0,
      forMs: 0,
      act: `send ${PER_SECOND} a second for ${Math.min(seconds, 15)} s`,
      target: 'large room',
    },
  ],
  start(world) {
    const arrivals = new Map<string, Arrivals>()
    const sockets: RawSocket[] = []
    let room: RoomRecord | null = null
    let before: Sends = { tookMs: [], refused: [] }
    let meanwhile = before
    const loopDelaysMs: number[] = []
    const onPush = (event: string, payload: Json) => {
      if (event === 'room:events') for (const text of textsIn(payload)) arrive(arrivals.get(text))
    }
    return {
      async prepare() {
        const people = await world.devices.signUp(MEMBERS, 'large')
        room = await openLargeRoom(world, people)
        await inGroups(people, 10, async (account, index) => {
          sockets.push(await joinUnheard(world, room as RoomRecord, account, index, onPush))
        })
      },
      async inject({ act }) {
        const seconds = Number(act.split(' ').at(-2))
        const watch = setInterval(() => {
          void loopDelays(world).then((ms) => loopDelaysMs.push(...ms))
        }, 1_000)
        const others = await openProbes(world, OTHERS)
        before = await sendMeanwhile(others, sleep(BEFORE_MS))
        meanwhile = await sendMeanwhile(others, sendSteadily(world, room as RoomRecord, seconds, arrivals))
        closeAll(others)
        await sleep(DELIVERED_WITHIN_MS)
        clearInterval(watch)
        return undefined
      },
      // They are no devices of the workload: at rest nobody is there but these.
      async afterHeal() {
        for (const socket of sockets) socket.close()
      },
      checks: async () => [
        judgeArrivals([...arrivals.values()]),
        asFast('other rooms are as fast meanwhile', before, meanwhile),
        judgeLoop(loopDelaysMs),
      ],
    }
  },
}

const textsIn = ({ events }: Json): string[] =>
  (events as readonly { type: string; data: { message?: { text: string } } }[]).flatMap(({ data }) =>
    data.message === undefined ? [] : [data.message.text],
  )

function arrive(known: Arrivals | undefined): void {
  if (known === undefined) return
  const sinceMs = performance.now() - known.sentMs
  known.first = Math.min(known.first, sinceMs)
  known.last = Math.max(known.last, sinceMs)
  known.count += 1
}

async function openLargeRoom(world: World, people: readonly Account[]): Promise<RoomRecord> {
  const [owner, ...guests] = people
  if (owner === undefined) throw new Error('nobody is there')
  const id = await createRoom(world.writer, owner, world.instances[0] as Instance, 'large')
  const room: RoomRecord = { id, heat: 'cold', owner, members: new Set([owner]), former: new Set() }
  for (let from = 0; from < guests.length; from += 100)
    await inviteAll(world.writer, room, guests.slice(from, from + 100), world.instances)
  world.addRoom(room)
  return room
}

async function joinUnheard(
  { writer, instances }: World,
  { id }: RoomRecord,
  account: Account,
  index: number,
  onPush: (event: string, payload: Json) => void,
): Promise<RawSocket> {
  const at = instances[index % instances.length] as Instance
  const socket = await RawSocket.open(writer, {
    client: account.name,
    user: account.userId,
    login: account.login,
    at,
    onPush,
    isUnheard: true,
  })
  const joined = await socket?.call('room:join', { roomId: id }, { f: 'other', room: id })
  if (socket === null || joined?.is !== 'ok')
    throw new Error(`${account.name} did not get into the large room`)
  return socket
}

async function sendSteadily(
  { writer, instances }: World,
  room: RoomRecord,
  seconds: number,
  arrivals: Map<string, Arrivals>,
): Promise<void> {
  const people = [...room.members]
  const startedMs = performance.now()
  const sends: Promise<unknown>[] = []
  for (let number = 0; number < seconds * PER_SECOND; number += 1) {
    await sleep(Math.max(0, startedMs + (number * 1_000) / PER_SECOND - performance.now()))
    const account = people[number % people.length] as Account
    const at = instances[number % instances.length] as Instance
    const text = account.nextBody(room.id)
    const clientMessageId = `large-${number}`
    arrivals.set(text, { sentMs: performance.now(), first: Number.POSITIVE_INFINITY, last: 0, count: 0 })
    sends.push(
      tryHttp(writer, at, {
        caller: account.caller(at),
        request: { f: 'send', room: room.id, cmid: clientMessageId, body: text },
        route: `POST /rooms/${room.id}/messages`,
        body: { clientMessageId, text },
        token: account.login.accessToken,
      }),
    )
  }
  await Promise.all(sends)
}

/** Of each instance that tells it: p99 since it was last asked. */
async function loopDelays({ instances }: World): Promise<number[]> {
  const delays = await Promise.all(
    instances.map(async ({ url }) => {
      const metrics = await metricsOf(url).catch(() => null)
      const seconds = metrics?.get('nodejs_eventloop_lag_p99_seconds')
      return seconds === undefined ? [] : [1_000 * seconds]
    }),
  )
  return delays.flat()
}

function judgeArrivals(all: readonly Arrivals[]) {
  const missed = all.filter(({ count }) => count !== MEMBERS).length
  const p99 = quantile(
    all.map(({ last }) => last),
    0.99,
  )
  const spread = Math.max(...all.map(({ first, last }) => last - first))
  return {
    name: 'messages to every member of the large room, once',
    checked: all.reduce((sum, { count }) => sum + count, 0),
    violations: [
      ...(missed > 0 ? [`${missed} of ${all.length} did not arrive ${MEMBERS} times`] : []),
      ...(p99 <= DELIVERED_WITHIN_MS ? [] : [`the last member had it after ${p99.toFixed(0)} ms (p99)`]),
    ],
    seen: `the last of all members has it after ${p99.toFixed(0)} ms (p99), at most ${spread.toFixed(0)} ms after the first`,
  }
}

function judgeLoop(delaysMs: readonly number[]) {
  const worst = Math.max(0, ...delaysMs)
  return {
    name: 'event loops of the servers meanwhile',
    checked: delaysMs.length,
    violations: worst > LOOP_DELAY_MS ? [`p99 of the delay ${worst.toFixed(0)} ms`] : [],
    seen: `p99 of the delay at most ${worst.toFixed(0)} ms`,
  }
}
