import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Bench, BenchReport } from '../bench.js'
import { ask, join as joinRoom } from '../load/crowd.js'
import { LoadSocket } from '../load/socket.js'
import type { Workspace } from '../machine/workspace.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'
import { type RunningSystem, SYSTEMS, type SystemName, startSystem, TITLES } from '../systems/system.js'

type StartRound = {
  readonly round: number
  readonly system: SystemName
  /** `cold`: an empty data directory, so the database is made and the person signs up. `warm`: after a clean stop, with a token. */
  readonly kind: 'cold' | 'warm'
  readonly readyMs: number
  readonly firstAckMs: number
}

/** What somebody needs to send: their token and their room. */
type Seat = { readonly token: string; readonly roomId: string }

/** From the start of the process to the ack of the first message. */
export const START: Bench = {
  title: 'Start of the server to the first acked message',
  async run({ workspace, settings }): Promise<BenchReport> {
    const rounds: StartRound[] = []
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const system of SYSTEMS) {
        const [cold, warm] = await startTwice(system, workspace)
        rounds.push({ round, system, kind: 'cold', ...cold }, { round, system, kind: 'warm', ...warm })
        settings.say(
          `round ${round}, ${system}: cold ${rounded(cold.firstAckMs)}, warm ${rounded(warm.firstAckMs)} ms`,
        )
      }
    }
    return report(rounds)
  },
}

async function startTwice(name: SystemName, { path, authSecret }: Workspace) {
  const dataDir = join(path, `${name}-start-${randomUUID().slice(0, 8)}`)
  let seat: Seat | null = null
  const startOnce = async () => {
    const startedMs = performance.now()
    const system = await startSystem(name, { dataDir, authSecret })
    try {
      seat ??= name === 'parley' ? await signUp(system) : { token: 'somebody', roomId: randomUUID() }
      await sendFirst(system, seat)
      return { readyMs: system.readyMs, firstAckMs: performance.now() - startedMs }
    } finally {
      await system.stop()
    }
  }
  return [await startOnce(), await startOnce()] as const
}

async function sendFirst({ url }: RunningSystem, { token, roomId }: Seat): Promise<void> {
  const socket = await LoadSocket.open(url, token)
  try {
    await joinRoom(socket, roomId, null)
    const message = { roomId, clientMessageId: randomUUID(), text: 'The first message' }
    await ask(socket, 'message:send', JSON.stringify(message))
  } finally {
    socket.close()
  }
}

async function signUp({ url }: RunningSystem): Promise<Seat> {
  const account = { email: 'first@example.org', password: 'a long and quiet sentence', displayName: 'First' }
  const { accessToken: token } = (await post(`${url}/api/v1/auth/sign-up`, account)) as {
    accessToken: string
  }
  const { room } = (await post(`${url}/api/v1/rooms`, { name: 'First' }, token)) as { room: { id: string } }
  return { token, roomId: room.id }
}

async function post(url: string, body: unknown, token?: string): Promise<unknown> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

function report(rounds: readonly StartRound[]): BenchReport {
  const of = (system: SystemName, kind: StartRound['kind'], time: 'readyMs' | 'firstAckMs') =>
    rounds.flatMap((round) => (round.system === system && round.kind === kind ? [round[time]] : []))
  const rows = SYSTEMS.map((system) => [
    TITLES[system],
    ...(['cold', 'warm'] as const).flatMap((kind) => [
      spread(of(system, kind, 'readyMs')),
      spread(of(system, kind, 'firstAckMs')),
    ]),
  ])
  const value = median(of('parley', 'warm', 'firstAckMs')) / 1_000
  const head = ['system', 'cold: ready ms', 'cold: first ack ms', 'warm: ready ms', 'warm: first ack ms']
  return {
    tables: [table(head, rows)],
    bounds: [judge({ what: 'warm start of Parley to the first acked message, s', value, atMost: 2 })],
    raw: rounds,
  }
}
