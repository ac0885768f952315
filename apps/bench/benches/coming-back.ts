import { setTimeout as sleep } from 'node:timers/promises'
import { type Prepared, prepare } from '../arena.js'
import type { Bench, BenchReport } from '../bench.js'
import { LoadProcess } from '../load/load-process.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'
import { type SystemName, TITLES } from '../systems/system.js'
import { roomsOf } from './scenes.js'

const COMPARED = ['bare', 'parley'] as const
const ROOM_OF = 10
/** Said in each room after everyone has joined: what those who come back have missed, as their `since` tells. */
const MISSED = 10
const SENDS_PER_SECOND = 200
const BEFORE_KILL_MS = 500

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
  title: `Clients back after kill -9; each is joined to a room of ${ROOM_OF} and has missed ${MISSED} messages`,
  async run({ workspace, settings }): Promise<BenchReport> {
    const people = settings.quick ? 100 : 1_000
    const cast = { people, rooms: roomsOf(people, ROOM_OF) }
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

async function killAndReturn({ crowd, start, name }: Prepared) {
  let system = await start()
  const load = LoadProcess.start()
  try {
    await load.connect({ ...crowd, url: system.url })
    const senders = crowd.roomIds.map((_, room) => ({ client: room * ROOM_OF, room }))
    const sends = senders.length * MISSED
    const durationMs = (sends / SENDS_PER_SECOND) * 1_000
    const step = await load.step({ senders, serverPid: system.pid, perSecond: SENDS_PER_SECOND, durationMs })
    if (step.acked < sends)
      throw new Error(`${sends - step.acked} of the messages to be missed were not acked`)
    const back = load.comeBack()
    await sleep(BEFORE_KILL_MS)
    const killedAtMs = performance.timeOrigin + performance.now()
    await system.kill()
    system = await start({ port: Number(new URL(system.url).port) })
    const { listeningAtMs, allBackAtMs, missedEvents } = await back
    const expected = name === 'parley' ? crowd.clients.length * MISSED : 0
    if (missedEvents !== expected) throw new Error(`${missedEvents} events were caught up, not ${expected}`)
    return {
      killToListeningMs: listeningAtMs - killedAtMs,
      listeningToAllBackMs: allBackAtMs - listeningAtMs,
      totalMs: allBackAtMs - killedAtMs,
    }
  } finally {
    load.stop()
    await system.stop()
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
