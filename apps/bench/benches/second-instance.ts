import { type Contender, connectTo, type Prepared, prepare } from '../arena.js'
import type { Bench, BenchReport } from '../bench.js'
import type { StepPlan } from '../load/protocol.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'
import type { BenchSettings } from '../settings.js'
import { type Sustained, searchSustainedRate } from '../sustained-rate.js'
import { startCluster } from '../systems/cluster.js'
import { pairs } from './scenes.js'
import { searchInTurns } from './turns.js'

const ROOMS = 200
const START_PER_SECOND = 2_000
const COUNTS = [1, 2] as const
type Name = `${(typeof COUNTS)[number]}`
const TITLES: Record<Name, string> = { 1: 'one instance', 2: 'two instances' }
/** What a second instance may cost of the sends of a core. */
const AT_LEAST = 0.75

type Round = { readonly round: number; readonly instances: Name } & Sustained

/** Many small rooms through one instance and through two, on one core with Postgres and Redis: what the bus and the second process cost. */
export const SECOND_INSTANCE: Bench = {
  title: `${ROOMS} rooms of two through one instance and through two, on one core`,
  async run({ workspace, settings }): Promise<BenchReport> {
    const scene = pairs(ROOMS)
    const contenders: Contender<Name>[] = []
    try {
      for (const count of COUNTS) {
        const prepared = await prepare('parley', scene, {
          ...workspace,
          path: `${workspace.path}/of-${count}`,
        })
        contenders.push(await enter(count, prepared, scene.senders, workspace.authSecret, settings))
      }
      const rounds: Round[] = []
      for (let round = 1; round <= settings.rounds; round += 1) {
        const searching = contenders.map((contender) => ({
          contender,
          search: searchSustainedRate({
            startPerSecond: startFor(contender.name, rounds, settings),
            growth: settings.growth,
            precision: settings.precision,
            stepsMax: settings.stepsMax,
          }),
        }))
        for (const [{ name }, sustained] of await searchInTurns(searching, settings)) {
          rounds.push({ round, instances: name, ...sustained })
          settings.say(
            `round ${round}, ${TITLES[name]}: ${rounded(sustained.best?.perSecond ?? 0)} messages/s`,
          )
        }
      }
      return report(rounds)
    } finally {
      for (const contender of contenders) await contender.close()
    }
  },
}

async function enter(
  count: (typeof COUNTS)[number],
  { dataDir, crowd }: Prepared,
  senders: StepPlan['senders'],
  authSecret: string,
  settings: BenchSettings,
): Promise<Contender<Name>> {
  const cluster = await startCluster({ instances: count, dataDir, authSecret })
  if (!cluster.hasRedis)
    settings.say(`${TITLES[`${count}`]}: without Redis, as there is no redis-server here`)
  const contender = await connectTo(`${count}` as Name, cluster, crowd, senders)
  await contender.step((START_PER_SECOND * settings.startShare) / 2, settings.firstWarmUpMs)
  return contender
}

function startFor(name: Name, rounds: readonly Round[], { startShare }: BenchSettings): number {
  const earlier = rounds.findLast(({ instances }) => instances === name)?.best
  return earlier ? earlier.perSecond * 0.85 : START_PER_SECOND * startShare
}

function report(rounds: readonly Round[]): BenchReport {
  const best = (name: Name) =>
    rounds.flatMap((round) => (round.instances === name && round.best !== null ? [round.best] : []))
  const names = COUNTS.map((count) => `${count}` as Name)
  const rows = names.map((name) => [
    TITLES[name],
    spread(best(name).map(({ perSecond }) => perSecond)),
    spread(best(name).map(({ ackMs }) => ackMs.p50)),
    spread(best(name).map(({ deliveryMs }) => deliveryMs.p99)),
    spread(best(name).map(({ serverCpu, perSecond }) => (serverCpu / perSecond) * 1e6)),
  ])
  const reached = (name: Name) => median(best(name).map(({ perSecond }) => perSecond))
  const head = ['', 'messages/s of a core', 'ack p50 ms', 'delivery p99 ms', 'CPU µs/message']
  return {
    tables: [table(head, rows)],
    bounds: [
      judge({
        what: 'sends of a core, two instances over one',
        value: reached('2') / reached('1'),
        atLeast: AT_LEAST,
      }),
    ],
    raw: rounds,
  }
}
