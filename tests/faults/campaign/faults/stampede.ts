import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { type BoundValues, countBoundValues } from '../../nemesis/bound-values.js'
import type { Check } from '../fault.js'
import { createRoom, inGroups, type RoomRecord } from '../workload/rooms.js'
import { tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'

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

/** Reads of a room of its own by everybody at once, when nobody has its newest state; each instance reaches Postgres by a proxy. */
export class Stampede {
  private readonly answers: Answer[] = []
  private readonly loads: Loads[] = []
  private readonly stale: string[] = []
  private quiet: QuietRoom | null = null

  constructor(private readonly world: World) {}

  async prepare(): Promise<void> {
    this.quiet = await QuietRoom.open(this.world)
  }

  async run(reads: number): Promise<void> {
    const { quiet, world } = this
    if (quiet === null) throw new Error('there is no room')
    const newest = await quiet.say()
    const counting = quiet.countLoads()
    const got = await readAllAtOnce(world, quiet.room, reads)
    for (const { at, counted } of counting) {
      this.loads.push({ at, count: counted.count() })
      await counted.heal()
    }
    this.answers.push(...got)
    for (const answer of got)
      if (answer.status === 200 && answer.newest !== newest)
        this.stale.push(`${answer.newest}, not ${newest}`)
  }

  checks(): readonly Check[] {
    return [judgeAnswers(this.answers, this.stale), judgeLoads(this.loads, this.world.redis !== null)]
  }
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

function readAllAtOnce({ instances }: World, { id, owner }: RoomRecord, reads: number): Promise<Answer[]> {
  const { accessToken } = owner.login
  return inGroups(Array.from({ length: reads }), reads, async (_, index) => {
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

/**
 * None at all would say that nothing was counted: nobody has what was just said. Where pages are shared by Redis, one instance may
 * have it from there that another has loaded.
 */
export function judgeLoads(loads: readonly Loads[], areShared: boolean): Check {
  const least = areShared ? 0 : 1
  const sum = loads.reduce((total, { count }) => total + count, 0)
  return {
    name: 'loads of the page by each instance',
    checked: loads.length,
    violations: [
      ...loads
        .filter(({ count }) => count < least || count > LOADS)
        .map(({ at, count }) => `${count} by ${at}, instead of ${least} to ${LOADS}`),
      ...(sum === 0 ? ['none by any'] : []),
    ],
    seen: loads.map(({ at, count }) => `${at} ${count}`).join(', '),
  }
}
