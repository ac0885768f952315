import { type Prepared, prepare } from '../arena.js'
import type { Bench, BenchReport } from '../bench.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'
import { type SystemName, TITLES } from '../systems/system.js'
import { RETURN, returnOnce } from './return-once.js'
import { roomsOf } from './scenes.js'

const COMPARED = ['bare', 'parley'] as const

type ReturnRound = {
  readonly round: number
  readonly system: SystemName
  /** From the kill to the first connection that was accepted again. */
  readonly killToListeningMs: number
  readonly listeningToAllBackMs: number
  readonly totalMs: number
}

/** The server is killed with all its clients connected and started again on the same port; they come back on their own. */
export const COMING_BACK: Bench = {
  title: `Clients back after kill -9; each is joined to a room of ${RETURN.roomOf} and has missed ${RETURN.missed} messages`,
  async run({ workspace, settings }): Promise<BenchReport> {
    const people = settings.quick ? 100 : RETURN.people
    const cast = { people, rooms: roomsOf(people, RETURN.roomOf) }
    const prepared = await Promise.all(COMPARED.map((name) => prepare(name, cast, workspace)))
    const rounds: ReturnRound[] = []
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const contender of prepared) {
        const measured = { round, system: contender.name, ...(await killAndReturn(contender)) }
        const { listeningToAllBackMs, totalMs } = measured
        settings.say(
          `round ${round}, ${contender.name}: ${rounded(listeningToAllBackMs)} ms from listening, ${rounded(totalMs)} in all`,
        )
        rounds.push(measured)
      }
    }
    return report(rounds, people)
  },
}

async function killAndReturn(prepared: Prepared) {
  const { listeningAtMs, allBackAtMs, missedEvents, killedAtMs } = await returnOnce(
    prepared,
    {},
    (back) => back,
  )
  const expected = prepared.name === 'parley' ? prepared.crowd.clients.length * RETURN.missed : 0
  if (missedEvents !== expected) throw new Error(`${missedEvents} events were caught up, not ${expected}`)
  return {
    killToListeningMs: listeningAtMs - killedAtMs,
    listeningToAllBackMs: allBackAtMs - listeningAtMs,
    totalMs: allBackAtMs - killedAtMs,
  }
}

function report(rounds: readonly ReturnRound[], people: number): BenchReport {
  const of = (system: SystemName, time: 'killToListeningMs' | 'listeningToAllBackMs' | 'totalMs') =>
    rounds.flatMap((round) => (round.system === system ? [round[time]] : []))
  const rows = COMPARED.map((system) => [
    TITLES[system],
    spread(of(system, 'killToListeningMs')),
    spread(of(system, 'listeningToAllBackMs')),
    spread(of(system, 'totalMs')),
  ])
  const value = median(of('parley', 'listeningToAllBackMs')) / median(of('bare', 'listeningToAllBackMs'))
  const what = `${people} clients back and caught up, from listening on, Parley over bare`
  return {
    tables: [
      table(['system', 'kill to listening ms', 'listening to all back ms', 'kill to all back ms'], rows),
    ],
    bounds: [judge({ what, value, atMost: 3 })],
    raw: rounds,
  }
}
