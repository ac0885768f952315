import { setTimeout as sleep } from 'node:timers/promises'
import { bodyOf } from '../../checker/bodies.js'
import type { Fault } from '../fault.js'
import { metricsOf } from '../samples.js'
import type { RoomRecord } from '../workload/rooms.js'
import { tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'
import { Crowd } from './crowd.js'

const CROWD = { people: 5, tabsEach: 20, rooms: 1 }
const CLIENTS = CROWD.people * CROWD.tabsEach
const BYTES = 7_900
/** More than the network keeps for one connection and what may wait for one. */
const MOST_MESSAGES = 1_600
const SENDERS = 6
const BACK_WITHIN_MS = 60_000

/** What they ask passes, what they are answered does not: their own half of the connection looks alive. */
export const slowReaders: Fault = {
  name: 'C1',
  title:
    'clients stop reading while their room is flooded; they are cut, and have everything when they are back',
  scale: `${CLIENTS} clients, messages of 8 kB`,
  readersPerRoom: 1,
  schedule: () => [{ atMs: 0, forMs: 1_000, act: 'stop reading', target: 'slow clients' }],
  start(world) {
    let crowd: Crowd | null = null
    let cut = 0
    let backMs: number | null = null
    return {
      async prepare() {
        crowd = await Crowd.gather(world, CROWD)
      },
      async inject() {
        const before = await cutSoFar(world)
        for (const proxy of crowd?.proxies ?? []) await proxy.set({ is: 'one-way', passes: 'to-target' })
        for (const device of crowd?.devices ?? []) device.loseConnections()
        cut = await flood(world, crowd?.rooms[0] as RoomRecord, async () => (await cutSoFar(world)) - before)
        return async () => {
          for (const proxy of crowd?.proxies ?? []) {
            proxy.cut()
            await proxy.set({ is: 'up' })
          }
        }
      },
      async afterHeal() {
        await sleep(200)
        backMs = (await crowd?.allBack(BACK_WITHIN_MS)) ?? null
      },
      checks: async () => [
        {
          name: 'slow readers cut by the servers',
          checked: CLIENTS,
          violations: cut < CLIENTS ? [`only ${cut} of ${CLIENTS}`] : [],
          seen: String(cut),
        },
        {
          name: 'slow readers are back',
          checked: CLIENTS,
          violations: backMs === null ? [`not all within ${BACK_WITHIN_MS / 1_000} s`] : [],
          seen: `after ${((backMs ?? 0) / 1_000).toFixed(1)} s`,
        },
      ],
    }
  },
}

async function cutSoFar({ instances }: World): Promise<number> {
  const metrics = await Promise.all(instances.map(({ url }) => metricsOf(url)))
  return metrics.reduce((sum, each) => sum + (each.get('parley_slow_readers_total') ?? 0), 0)
}

/** Sends long messages until all slow readers are cut; answers how many are. */
async function flood(world: World, room: RoomRecord, countCut: () => Promise<number>): Promise<number> {
  let sent = 0
  let cut = 0
  const sender = async () => {
    while (cut < CLIENTS && sent < MOST_MESSAGES) {
      sent += 1
      await sendLong(world, room, sent)
    }
  }
  const watching = async () => {
    while (cut < CLIENTS && sent < MOST_MESSAGES) {
      cut = await countCut()
      await sleep(250)
    }
  }
  await Promise.all([watching(), ...Array.from({ length: SENDERS }, sender)])
  // Whoever is over the soft cap has five seconds from there.
  for (let looks = 0; looks < 40 && cut < CLIENTS; looks += 1) {
    await sleep(250)
    cut = await countCut()
  }
  return cut
}

async function sendLong(
  { writer, instances }: World,
  { id, owner }: RoomRecord,
  number: number,
): Promise<void> {
  const at = instances[number % instances.length] as Instance
  const short = bodyOf(id, owner.userId, number)
  const text = short.replace(/\d+$/, (counter) => counter.padStart(BYTES - short.length, '0'))
  const clientMessageId = `long-${number}`
  await tryHttp(writer, at, {
    caller: owner.caller(at),
    request: { f: 'send', room: id, cmid: clientMessageId, body: text },
    route: `POST /rooms/${id}/messages`,
    body: { clientMessageId, text },
    token: owner.login.accessToken,
  })
}
