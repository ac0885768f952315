import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { type BoundValues, countBoundValues } from '../../nemesis/bound-values.js'
import type { Check, Fault } from '../fault.js'
import { createRoom, inGroups, type RoomRecord } from '../workload/rooms.js'
import { tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'

const READS = 1_000
const MESSAGES = 60
const ANSWERED_WITHIN_MS = 10_000
/** Of one page, for one stampede, by one instance. */
const LOADS = 2

type Answer = {
  readonly status: number
  readonly newest: unknown
  readonly ms: number
  readonly retryAfterMs: unknown
}
type Loads = { readonly at: string; readonly count: number }

/** Everybody asks for the newest page of one room at the same moment, at every instance; none of them has it in its newest state. */
export const stampede: Fault = {
  name: 'H2',
  title: 'a thousand reads of one room at once, right after a message',
  scale: `${READS} reads`,
  topology: { postgresProxies: true },
  schedule: (draw, { seconds }) =>
    [0.2, 0.6].map((share) => ({
      atMs: Math.round(share * seconds * 1_000) + draw.between(0, 500),
      forMs: 0,
      act: `${READS} reads`,
      target: 'a room of its own',
    })),
  start(world) {
    const answers: Answer[] = []
    const loads: Loads[] = []
    const stale: string[] = []
    let quiet: QuietRoom | null = null
    return {
      async prepare() {
        quiet = await QuietRoom.open(world)
      },
      async inject() {
        if (quiet === null) throw new Error('there is no room')
        const newest = await quiet.say()
        const counting = quiet.countLoads()
        const got = await readAllAtOnce(world, quiet.room)
        for (const { at, counted } of counting) {
          loads.push({ at, count: counted.count() })
          await counted.heal()
        }
        answers.push(...got)
        for (const answer of got)
          if (answer.status === 200 && answer.newest !== newest) stale.push(`${answer.newest}, not ${newest}`)
        return undefined
      },
      checks: async () => [judgeAnswers(answers, stale), judgeLoads(loads)],
    }
  },
}

/** A room in which nobody else does anything, so that whatever is bound to its id is a read of the stampede. */
class QuietRoom {
  private said = 0

  private constructor(
    private readonly world: World,
    readonly room: RoomRecord,
  ) {}

  static async open(world: World): Promise<QuietRoom> {
    const { owner } = world.hotRoom
    const id = await createRoom(world.writer, owner, world.instances[0] as Instance, 'stampede')
    const room: RoomRecord = { id, heat: 'cold', owner, members: new Set([owner]), former: new Set() }
    world.addRoom(room)
    const quiet = new QuietRoom(world, room)
    for (let count = 0; count < MESSAGES; count += 1) await quiet.say()
    return quiet
  }

  /** Answers the seq of what was said. */
  async say(): Promise<unknown> {
    const { writer, instances } = this.world
    const { id, owner } = this.room
    const at = instances[this.said % instances.length] as Instance
    this.said += 1
    const body = owner.nextBody(id)
    const cmid = `stampede-${this.said}`
    const sent = await tryHttp(writer, at, {
      caller: owner.caller(at),
      request: { f: 'send', room: id, cmid, body },
      route: `POST /rooms/${id}/messages`,
      body: { clientMessageId: cmid, text: body },
      token: owner.login.accessToken,
    })
    if (sent.is !== 'ok') throw new Error(`nothing could be said: ${sent.code}`)
    return (sent.data.message as { readonly seq: number }).seq
  }

  countLoads(): { readonly at: string; readonly counted: BoundValues }[] {
    return this.world.instances.flatMap(({ name, toPostgres }) =>
      toPostgres === null ? [] : [{ at: name, counted: countBoundValues(toPostgres, this.room.id) }],
    )
  }
}

function readAllAtOnce({ instances }: World, { id, owner }: RoomRecord): Promise<Answer[]> {
  const { accessToken } = owner.login
  return inGroups(Array.from({ length: READS }), READS, async (_, index) => {
    const at = instances[index % instances.length]
    const startedMs = performance.now()
    const { status, body } = await getOnce(`${at?.url}/api/v1/rooms/${id}/messages?limit=50`, accessToken)
    const ms = performance.now() - startedMs
    return { status, newest: body?.messages?.at(-1)?.seq, ms, retryAfterMs: body?.retryAfterMs }
  })
}

type Body = { readonly retryAfterMs?: unknown; readonly messages?: readonly { readonly seq: number }[] }
type Got = { readonly status: number; readonly body: Body | null }

/** Over a connection of its own, which is closed with the answer. */
function getOnce(url: string, token: string): Promise<Got> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    const asked = get(url, { agent: false, headers, timeout: 2 * ANSWERED_WITHIN_MS }, async (response) => {
      const answer = await text(response).catch(() => 'null')
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) as Body | null })
    })
    asked.on('error', () => resolve({ status: 0, body: null }))
    asked.on('timeout', () => asked.destroy())
  })
}

function judgeAnswers(answers: readonly Answer[], stale: readonly string[]): Check {
  const slow = answers.filter(({ ms }) => ms > ANSWERED_WITHIN_MS).length
  const wrong = answers.filter(
    ({ status, retryAfterMs }) => status !== 200 && !(status === 503 && typeof retryAfterMs === 'number'),
  )
  const refused = answers.filter(({ status }) => status === 503).length
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  return {
    name: 'reads of a stampede',
    checked: answers.length,
    violations: [
      ...(slow > 0 ? [`${slow} took more than ${ANSWERED_WITHIN_MS / 1_000} s`] : []),
      ...(wrong.length > 0
        ? [`${wrong.length} were answered ${[...new Set(wrong.map(({ status }) => status))].join(', ')}`]
        : []),
      ...(stale.length > 0 ? [`${stale.length} had an old page: ${stale[0]}`] : []),
    ],
    seen: `${refused} refused with retryAfterMs, the slowest after ${slowest.toFixed(0)} ms`,
  }
}

/** None at all would say that nothing was counted: nobody has what was just said. */
function judgeLoads(loads: readonly Loads[]): Check {
  return {
    name: 'loads of the page by each instance',
    checked: loads.length,
    violations: loads
      .filter(({ count }) => count < 1 || count > LOADS)
      .map(({ at, count }) => `${count} by ${at}, instead of 1 to ${LOADS}`),
    seen: loads.map(({ at, count }) => `${at} ${count}`).join(', '),
  }
}
