import { type History, INVARIANTS, type Invariant, type Line, type NemesisLine } from '../history.js'
import { historyOf } from '../history-file.js'
import { Chance, Clockwork, NS_PER_MS } from './clockwork.js'
import { type Counters, ModelClient } from './model-client.js'
import { INSTANCES, ModelSystem } from './model-system.js'

const ROOMS = ['r1', 'r2']
const WORK = { fromMs: 1_000, toMs: 14_000 }
const FAULT_MS = { from: 5_000, to: 9_000 }
/** Longer than the slowest bound after the last thing that happens. */
const END_MS = 95_000
const SCENARIOS = ['kill', 'freeze', 'unnoticed'] as const
type Scenario = (typeof SCENARIOS)[number]

/** What a perfect system's clients would write down: with faults, retries, removals, ended logins, and nothing wrong. */
export function modelLines(seed: number): Line[] {
  return new Model(seed).run()
}

export const modelHistory = (seed: number): History => historyOf(modelLines(seed))

class Model {
  private readonly lines: Line[] = []
  private readonly clock = new Clockwork()
  private readonly chance: Chance
  private readonly system: ModelSystem
  private readonly scenario: Scenario
  private readonly clients: ModelClient[]

  constructor(seed: number) {
    this.chance = new Chance(seed)
    this.scenario = SCENARIOS[seed % SCENARIOS.length] as Scenario
    this.system = new ModelSystem(this.clock, this.chance, (line) => this.lines.push(line))
    this.system.loses = this.scenario !== 'unnoticed'
    const counters: Counters = { conns: 0, texts: 0, tokens: 0, sessions: 0 }
    const client = (user: string, name: string, rooms: string[]) =>
      new ModelClient(this.system, counters, user, name, rooms)
    this.clients = [
      client('u1', 'c1', []),
      client('u2', 'c2', []),
      client('u2', 'c3', []),
      client('u3', 'c4', []),
      client('u4', 'c5', []),
    ]
    const L12 = this.scenario === 'unnoticed' ? {} : { L12: 'this fault may be noticed' }
    const outOfScope: Partial<Record<Invariant, string>> = { L16: 'no model is asked', ...L12 }
    this.lines.push({
      type: 'header',
      run: 'model',
      seed,
      configuration: {},
      instances: INSTANCES,
      outOfScope,
    })
  }

  run(): Line[] {
    this.setUp()
    this.fault()
    this.scripted()
    for (const client of this.clients) this.work(client)
    this.sample()
    this.clock.runUntil(END_MS * NS_PER_MS)
    this.readFinals()
    return this.lines
  }

  private at(ms: number, run: () => void): void {
    this.clock.at(ms * NS_PER_MS, run)
  }

  private setUp(): void {
    const [owner, ...others] = this.clients as [ModelClient, ...ModelClient[]]
    for (const room of ROOMS) this.at(10, () => owner.create(room))
    // The last one stays outside, and tries.
    for (const client of others.slice(0, -1)) for (const room of ROOMS) this.at(100, () => client.enter(room))
    for (const client of this.clients) this.at(400, () => client.connect())
  }

  private fault(): void {
    const start = FAULT_MS.from * NS_PER_MS
    const stop = FAULT_MS.to * NS_PER_MS
    const { system, scenario } = this
    const target = scenario === 'kill' ? 'i2' : scenario === 'freeze' ? 'postgres' : 'redis'
    const line: NemesisLine = { type: 'nemesis', fault: scenario, target, start, stop }
    if (scenario === 'kill') {
      this.lines.push({ ...line, kills: true })
      this.at(FAULT_MS.from, () => system.kill('i2'))
      this.at(FAULT_MS.to, () => system.restart('i2'))
    } else if (scenario === 'freeze') {
      this.lines.push({ ...line, suspends: ['L7'] })
      this.at(FAULT_MS.from, () => {
        system.frozenUntil = stop
      })
    } else this.lines.push({ ...line, unnoticed: true })
  }

  /** What must be in every history, or there would be nothing to check. */
  private scripted(): void {
    const [owner, reader, second, third, spy] = this.clients as [
      ModelClient,
      ModelClient,
      ModelClient,
      ModelClient,
      ModelClient,
    ]
    for (const ms of [1_500, 4_000, 10_000])
      this.at(ms, () => {
        spy.send('r1')
        spy.read('r1')
      })
    const leaves = 2_500 + this.chance.below(9_000)
    this.at(leaves, () => owner.remove('r2', third.user, () => third.forget('r2')))
    this.at(leaves + 300, () => third.send('r2'))
    if (this.chance.happens(0.7)) this.at(leaves + 2_500, () => third.enter('r2'))
    if (this.chance.happens(0.5))
      this.at(leaves + 3_500, () => owner.remove('r2', third.user, () => third.forget('r2')))
    const ends = 2_500 + this.chance.below(9_000)
    const { session } = second
    const tryOn = () => {
      for (const ms of [5, 800, 1_600]) this.clock.after(ms * NS_PER_MS, () => second.send('r1'))
      this.clock.after(3_000 * NS_PER_MS, () => {
        second.logIn()
        second.connect()
      })
    }
    this.at(ends, () => reader.revoke([session], tryOn))
    // One goes for good, so that there is someone to be shown as gone.
    this.at(12_500, () => third.disconnect(10 * END_MS))
    for (const ms of [16_000, 80_000, 90_000])
      this.at(ms, () => {
        for (const room of ROOMS) owner.read(room)
      })
  }

  private work(client: ModelClient): void {
    const { chance, clock } = this
    const next = () => {
      if (clock.now > WORK.toMs * NS_PER_MS) return
      this.act(client)
      clock.after(chance.ns(100, 900), next)
    }
    this.at(WORK.fromMs + chance.below(300), next)
  }

  private act(client: ModelClient): void {
    const { chance } = this
    const room = chance.pick(ROOMS)
    const dice = chance.below(100)
    if (dice < 55) client.send(room)
    else if (dice < 75) client.read(room)
    else if (dice < 88) client.edit()
    else if (dice < 93) client.delete()
    else if (dice < 96) client.leaveAndComeBack(room)
    else client.disconnect(100 + chance.below(2_000))
  }

  private sample(): void {
    for (let ms = 1_000; ms <= END_MS; ms += 4_000)
      this.at(ms, () => {
        for (const instance of INSTANCES)
          this.lines.push({
            type: 'sample',
            t: this.clock.now,
            instance,
            rssBytes: 80e6 + this.chance.below(5e6),
            openFiles: 40 + this.chance.below(10),
            loopDelayMs: this.chance.below(12),
          })
      })
  }

  private readFinals(): void {
    const { system, clock, lines } = this
    const t = clock.now
    for (const client of this.clients) for (const room of client.shownRooms) client.showAll(room)
    for (const [id, room] of system.rooms) {
      const entries = room.entries(0, room.head)
      const log = { type: 'final', t, room: id, head: room.head, entries } as const
      lines.push({ ...log, source: 'cold', instance: 'i1', user: 'u1' })
      lines.push({ ...log, source: 'sql', instance: 'postgres', user: 'none' })
      for (const user of room.members)
        for (const instance of INSTANCES) lines.push({ ...log, source: 'member', instance, user })
    }
    lines.push({ type: 'sockets', t, open: Array.from(system.conns, ({ conn }) => conn) })
  }
}

/** What a model history has something to check for. */
export const CHECKED_BY_THE_MODEL: readonly Invariant[] = INVARIANTS.filter(
  (it) => it !== 'L16' && it !== 'L12',
)
