import { setTimeout as sleep } from 'node:timers/promises'
import { lengthened } from '../../checker/bodies.js'
import type { Fault } from '../fault.js'
import { metricsOf } from '../samples.js'
import type { RoomRecord } from '../workload/rooms.js'
import { tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'
import { asFast, type Sends, sendMeanwhile } from './as-fast.js'
import { Crowd } from './crowd.js'
import { closeAll, lostOf, openProbes, type Probe } from './probe.js'

const CROWD = { people: 5, tabsEach: 20, rooms: 1 }
const CLIENTS = CROWD.people * CROWD.tabsEach
const BYTES = 7_900
/** More than the network keeps for one connection and what may wait for one. */
const MOST_MESSAGES = 1_600
const SENDERS = 6
/** Probes at each instance, which read the same room. */
const HEALTHY = 2
/** Each of them is in the history once for each client of the crowd, and again on its screen. */
const MESSAGES_BEFORE = 20
const NONE: Sends = { tookMs: [], refused: [] }
const BACK_WITHIN_MS = 60_000
/** A server that is flooded takes a while to tell how many it has cut. */
const TOLD_WITHIN_MS = 15_000

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
    let healthy: Probe[] = []
    let lost: readonly string[] = []
    let reading: Sends = NONE
    let stalled: Sends = NONE
    let cut = 0
    let backMs: number | null = null
    return {
      async prepare() {
        crowd = await Crowd.gather(world, CROWD)
        healthy = await openProbes(world, HEALTHY, { rooms: crowd.rooms })
      },
      async inject() {
        const flood = new Flood(world, crowd?.rooms[0] as RoomRecord)
        // The same while all of them read.
        reading = await sendMeanwhile(healthy, flood.send(MESSAGES_BEFORE))
        const before = await cutSoFar(world)
        for (const proxy of crowd?.proxies ?? []) await proxy.set({ is: 'one-way', passes: 'to-target' })
        for (const device of crowd?.devices ?? []) device.loseConnections()
        const cutting = flood.untilCut(async () => (await cutSoFar(world)) - before)
        stalled = await sendMeanwhile(healthy, cutting)
        cut = await cutting
        lost = lostOf(healthy)
        return async () => {
          for (const proxy of crowd?.proxies ?? []) {
            proxy.cut()
            await proxy.set({ is: 'up' })
          }
        }
      },
      async afterHeal() {
        closeAll(healthy)
        await sleep(200)
        backMs = (await crowd?.allBack(BACK_WITHIN_MS)) ?? null
      },
      async checks() {
        const checked = crowd?.devices.length ?? 0
        const asBefore = asFast('whoever reads is served as fast in the same room', reading, stalled)
        return [
          {
            name: 'slow readers cut by the servers',
            checked,
            violations: cut < CLIENTS ? [`only ${cut} of ${CLIENTS}`] : [],
            seen: String(cut),
          },
          { ...asBefore, violations: [...asBefore.violations, ...lost] },
          {
            name: 'slow readers are back',
            checked,
            violations: backMs === null ? [`not all within ${BACK_WITHIN_MS / 1_000} s`] : [],
            seen: `after ${((backMs ?? 0) / 1_000).toFixed(1)} s`,
          },
        ]
      },
    }
  },
}

async function cutSoFar({ instances }: World): Promise<number> {
  const metrics = await Promise.all(instances.map(({ url }) => metricsOf(url, TOLD_WITHIN_MS)))
  return metrics.reduce((sum, each) => sum + (each.get('parley_slow_readers_total') ?? 0), 0)
}

/** Long messages from several senders. */
class Flood {
  private sent = 0

  constructor(
    private readonly world: World,
    private readonly room: RoomRecord,
  ) {}

  async send(messages: number, isEnough = () => false): Promise<void> {
    const last = this.sent + messages
    const sender = async () => {
      while (!isEnough() && this.sent < last) {
        this.sent += 1
        await sendLong(this.world, this.room, this.sent)
      }
    }
    await Promise.all(Array.from({ length: SENDERS }, sender))
  }

  /** Until all slow readers are; answers how many are. */
  async untilCut(countCut: () => Promise<number>): Promise<number> {
    let cut = 0
    let isSent = false
    const sending = this.send(MOST_MESSAGES, () => cut === CLIENTS).then(() => {
      isSent = true
    })
    // Whoever is over the soft cap has five seconds from there.
    for (let looksLeft = 40; cut < CLIENTS && looksLeft > 0; looksLeft -= isSent ? 1 : 0) {
      cut = await countCut()
      await sleep(250)
    }
    await sending
    return cut
  }
}

async function sendLong(
  { writer, instances }: World,
  { id, owner }: RoomRecord,
  number: number,
): Promise<void> {
  const at = instances[number % instances.length] as Instance
  const text = lengthened(owner.nextBody(id), BYTES)
  const clientMessageId = `long-${number}`
  await tryHttp(writer, at, {
    caller: owner.caller(at),
    request: { f: 'send', room: id, cmid: clientMessageId, body: text },
    route: `POST /rooms/${id}/messages`,
    body: { clientMessageId, text },
    token: owner.login.accessToken,
  })
}
