import { prepare } from '../arena.js'
import type { Bench, BenchReport } from '../bench.js'
import { LoadProcess } from '../load/load-process.js'
import type { Answers, Question } from '../load/protocol.js'
import { Bodies } from '../load/words.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'

const MEMBERS = 20
/** In each room this many messages hold a word that no other holds, spread evenly. */
const RARE = { word: 'quokka', times: 10 }
const COMMON_WORD = 'doctor'
/** Different places to read from, the same share of the way through each room. */
const PLACES = 97
const PAGE = 50

type HistoryRound = { readonly round: number; readonly answers: readonly Answers[] }

/** Reads of a long room against the same reads of a short one in the same database, over a socket, one at a time. */
export const HISTORY: Bench = {
  title: 'Pages and search in a long room and in a short one',
  async run({ workspace, settings }): Promise<BenchReport> {
    const [long, short] = settings.quick ? [2_000, 200] : [100_000, 1_000]
    const members = Array.from({ length: MEMBERS }, (_, index) => index)
    const talk = [long, short].map((count, room) => ({ room, texts: textsOf(count) }))
    settings.say(`${long + short} messages are sent first`)
    const prepared = await prepare('parley', { people: MEMBERS, rooms: [members, members], talk }, workspace)
    const system = await prepared.start()
    const load = LoadProcess.start()
    try {
      await load.connect({ ...prepared.crowd, urls: [system.url] })
      const questions = [long, short].flatMap((count, room) =>
        questionsFor(count, prepared.crowd.roomIds[room] ?? ''),
      )
      const turns = settings.quick ? 20 : 300
      await load.ask(0, questions, Math.ceil(turns / 4))
      const rounds: HistoryRound[] = []
      for (let round = 1; round <= settings.rounds; round += 1)
        rounds.push({ round, answers: await load.ask(0, questions, turns) })
      return report(rounds, long, short)
    } finally {
      load.stop()
      await system.stop()
    }
  },
}

function textsOf(count: number): string[] {
  const bodies = new Bodies()
  const every = Math.floor(count / RARE.times)
  return Array.from({ length: count }, (_, index) => {
    const body = bodies.body(0, index)
    return index % every === Math.floor(every / 2) ? `${RARE.word} ${body}` : body
  })
}

function questionsFor(count: number, roomId: string): Question[] {
  // The first events of a room are its members' joining; a whole page of messages lies before each of these.
  const from = (share: number) => MEMBERS + PAGE + 1 + Math.floor((count - PAGE) * share)
  const page = (more: object) => JSON.stringify({ roomId, limit: PAGE, ...more })
  const places = Array.from({ length: PLACES }, (_, index) => page({ before: from((index + 0.5) / PLACES) }))
  const named = (name: string) => `${count}: ${name}`
  return [
    { name: named('newest page'), event: 'message:list', payloads: [page({})] },
    { name: named('pages anywhere'), event: 'message:list', payloads: places },
    { name: named('oldest page'), event: 'message:list', payloads: [page({ after: 1 })] },
    { name: named('search, rare word'), event: 'message:search', payloads: [page({ q: RARE.word })] },
    { name: named('search, common word'), event: 'message:search', payloads: [page({ q: COMMON_WORD })] },
  ]
}

function report(rounds: readonly HistoryRound[], long: number, short: number): BenchReport {
  const of = (name: string) =>
    rounds.flatMap(({ answers }) => answers.filter((answer) => answer.name === name))
  const kinds = [
    ...new Set(rounds.flatMap(({ answers }) => answers.map(({ name }) => name.split(': ')[1] ?? ''))),
  ]
  const p50 = (count: number, kind: string) => of(`${count}: ${kind}`).map(({ ms }) => ms.p50)
  const ratio = (kind: string) => median(p50(long, kind)) / median(p50(short, kind))
  const rows = kinds.map((kind) => [
    kind,
    `${of(`${long}: ${kind}`)[0]?.messages} / ${of(`${short}: ${kind}`)[0]?.messages}`,
    spread(p50(long, kind)),
    spread(p50(short, kind)),
    rounded(ratio(kind)),
  ])
  const head = ['read', 'messages in the answer', `p50 ms, of ${long}`, `p50 ms, of ${short}`, 'ratio']
  const bounds = kinds
    .filter((kind) => kind.includes('page'))
    .map((kind) =>
      judge({ what: `${kind}, room of ${long} over room of ${short}`, value: ratio(kind), atMost: 1.3 }),
    )
  return { tables: [table(head, rows)], bounds, raw: rounds }
}
