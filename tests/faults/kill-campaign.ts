import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { seededRandom } from '../../adapters/memory/index.js'
import { startEmbeddedPostgres } from '../../apps/server/embedded-postgres/index.js'
import { readPostmasterFile } from '../../apps/server/embedded-postgres/postmaster-file.js'
import { Person, request } from '../support/person.js'
import { type TemporaryDirectory, temporaryDirectory } from '../support/postgres-cluster.js'
import { type RunningServer, ServerDidNotStart, startServer } from '../support/server-process.js'
import { Ledger } from './ledger.js'
import { Sender } from './sender.js'

/**
 * Fault P11: one server with its embedded Postgres is killed at random while people send, and started again on the same
 * directory, over and over. `npm run faults:kill -- --kills 100 [--seed 7]`; the suite runs a short one.
 */
export type CampaignOptions = {
  readonly kills: number
  readonly seed: number
  readonly say: (line: string) => void
}

export type CampaignReport = {
  /** Of the server alone. */
  readonly serverKills: number
  /** Of the server and its Postgres in the same moment. */
  readonly bothKills: number
  /** Of a server that was still starting. */
  readonly killsWhileStarting: number
  readonly acked: number
  readonly stored: number
  /** Sends that a kill left without an answer. */
  readonly unanswered: number
  readonly slowestStartMs: number
}

const PEOPLE = ['Ada', 'Ben', 'Cleo', 'Dan']
/** By index of the people above; every room is shared, and nobody is in all of them. */
const ROOMS = [
  [0, 1, 2],
  [1, 2, 3],
  [0, 3],
]
const KILL_AFTER_MS = { min: 20, max: 700 }
/** Recovery on a busy machine; how long it really took is reported. */
const START_WITHIN_MS = 120_000
const SHARE = { both: 0.3, whileStarting: 0.15 }

export async function runKillCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const directory = await temporaryDirectory()
  const campaign = new Campaign(options, directory)
  try {
    return await campaign.run()
  } finally {
    await campaign.close()
    await directory.remove()
  }
}

type Tally = { -readonly [K in keyof CampaignReport]: CampaignReport[K] }

class Campaign {
  private readonly random: () => number
  private readonly ledger = new Ledger()
  private readonly people: Person[] = []
  private readonly rooms: { readonly id: string; readonly members: readonly Person[] }[] = []
  private readonly senders: Sender[] = []
  private server: RunningServer | null = null
  private readonly tally: Tally = {
    serverKills: 0,
    bothKills: 0,
    killsWhileStarting: 0,
    acked: 0,
    stored: 0,
    unanswered: 0,
    slowestStartMs: 0,
  }

  constructor(
    private readonly options: CampaignOptions,
    private readonly directory: TemporaryDirectory,
  ) {
    const next = seededRandom(options.seed)
    this.random = () => next() / 2 ** 32
  }

  async run(): Promise<CampaignReport> {
    const { kills, seed, say } = this.options
    say(`seed ${seed}`)
    await this.prepare(await this.start())
    for (let round = 1; round <= kills; round += 1) {
      const line = await this.round(round).catch((error: unknown) => {
        throw new Error(`round ${round} of seed ${seed}: ${String(error)}`, { cause: error })
      })
      say(`${round}/${kills}: ${line}`)
    }
    await this.finish()
    this.tally.acked = this.ledger.ackedCount
    this.tally.stored = this.ledger.storedCount
    return this.tally
  }

  async close(): Promise<void> {
    for (const person of this.people) person.close()
    await this.server?.kill()
  }

  private async prepare({ url }: RunningServer): Promise<void> {
    for (const name of PEOPLE) this.people.push(await Person.signUp(url, name))
    for (const indexes of ROOMS) {
      const members = indexes.flatMap((index) => this.people[index] ?? [])
      const [owner, ...guests] = members
      if (owner === undefined) throw new Error('a room has an owner')
      const id = await owner.createRoom()
      for (const guest of guests) await owner.invite(id, guest)
      this.rooms.push({ id, members })
    }
    const onAck = this.ledger.promise.bind(this.ledger)
    for (const person of this.people) {
      const rooms = this.rooms.filter(({ members }) => members.includes(person)).map(({ id }) => id)
      this.senders.push(new Sender(person, { rooms, chance: this.random, onAck }))
    }
  }

  /** Lets everyone send, kills at a random moment, starts again and checks. */
  private async round(round: number): Promise<string> {
    const { server, ledger, tally } = this
    if (server === null) throw new Error('no server runs')
    const before = ledger.ackedCount
    for (const sender of this.senders) await sender.start(server.url)
    const afterMs = KILL_AFTER_MS.min + this.random() * (KILL_AFTER_MS.max - KILL_AFTER_MS.min)
    await sleep(afterMs)
    const both = this.random() < SHARE.both
    if (both) await this.killBoth(server)
    else await server.kill()
    tally[both ? 'bothKills' : 'serverKills'] += 1
    for (const sender of this.senders) await sender.ended()
    const open = this.senders.flatMap((sender) => sender.open).length
    tally.unanswered += open

    const startedMs = Date.now()
    const { url } = await this.start()
    await this.check(url, round)
    for (const sender of this.senders) sender.forgetSome()
    const what = both ? 'the server and its Postgres' : 'the server'
    return (
      `killed ${what} after ${Math.round(afterMs)} ms, ${ledger.ackedCount - before} acked, ` +
      `${open} unanswered; back and checked after ${Date.now() - startedMs} ms`
    )
  }

  private async killBoth(server: RunningServer): Promise<void> {
    const postmaster = await readPostmasterFile(join(this.directory.dataDir, 'postgres'))
    if (!postmaster?.pid) throw new Error('the embedded Postgres has left no pid')
    const postgresFirst = this.random() < 0.5
    if (postgresFirst) process.kill(postmaster.pid, 'SIGKILL')
    const ended = server.kill()
    if (!postgresFirst) process.kill(postmaster.pid, 'SIGKILL')
    await ended
  }

  /** Starts the server; sometimes it is killed before it is ready, and started once more. */
  private async start(): Promise<RunningServer> {
    const variables = {
      PARLEY_DATA_DIR: this.directory.dataDir,
      PARLEY_LIMIT_FACTOR: '1000',
      LOG_LEVEL: 'info',
    }
    this.server = null
    if (this.people.length > 0 && this.random() < SHARE.whileStarting) {
      this.server = await startServer(variables, this.random() * 800).catch((error: unknown) => {
        // Whoever ends by itself with a code has refused to start.
        if (error instanceof ServerDidNotStart && error.exitCode === null) return null
        throw error
      })
      if (this.server === null) this.tally.killsWhileStarting += 1
    }
    const startedMs = Date.now()
    this.server ??= await startServer(variables, START_WITHIN_MS)
    this.tally.slowestStartMs = Math.max(this.tally.slowestStartMs, Date.now() - startedMs)
    return this.server
  }

  private async check(url: string, round: number): Promise<void> {
    for (const person of this.people) {
      const me = await person.http('GET', '/me', undefined, url)
      if (me.status !== 200) throw new Error(`a token from before the kill was refused: ${me.status}`)
    }
    const renewing = this.people[round % this.people.length]
    if (renewing !== undefined) await renew(renewing, url)
    for (const { id, members } of this.rooms) {
      const [reader] = members
      if (reader === undefined) throw new Error('a room has an owner')
      const answer = await reader.http('GET', `/rooms/${id}/members`, undefined, url)
      const present = (answer.body.members as { userId: string; role: string }[]).map(
        ({ userId, role }) => `${userId} ${role}`,
      )
      const expected = members.map(({ userId }, index) => `${userId} ${index === 0 ? 'owner' : 'member'}`)
      if (present.sort().join() !== expected.sort().join()) throw new Error(`the members of ${id} changed`)
      await this.ledger.readOn(reader, id, url)
    }
    this.ledger.confirm()
  }

  /** One quiet round without a kill, in which all that is still open is sent; then everything is compared. */
  private async finish(): Promise<void> {
    const { server } = this
    if (server === null) throw new Error('no server runs')
    for (const sender of this.senders) await sender.start(server.url)
    await sleep(KILL_AFTER_MS.max)
    for (const sender of this.senders) await sender.stop()
    await this.check(server.url, 0)
    for (const { id, members } of this.rooms)
      for (const member of members) await this.ledger.readAgain(member, id, server.url)
    const code = await server.stop()
    if (code !== 0) throw new Error(`the last server ended with ${code}`)
    await this.compareTables()
  }

  private async compareTables(): Promise<void> {
    const owned = await startEmbeddedPostgres({ dataDir: this.directory.dataDir })
    const bigint = { to: 20, from: [20], parse: Number, serialize: String }
    const sql = postgres(owned.url, { max: 1, types: { bigint }, onnotice: () => undefined })
    try {
      const rows = await sql<{ roomId: string; seq: number; id: string; text: string }[]>`
        select room_id as "roomId", seq, id, text from messages`
      const inTables = rows.map((row) => Object.values(row).join(' '))
      const shown = this.ledger.rows().map((row) => Object.values(row).join(' '))
      if (inTables.sort().join('\n') !== shown.sort().join('\n'))
        throw new Error(`the tables hold ${inTables.length} messages, ${shown.length} were shown`)
      for (const [roomId, head] of this.ledger.heads()) {
        const [room] = await sql`
          select head, (select count(*) from room_events where room_id = rooms.id) as events,
            (select count(distinct seq) from room_events where room_id = rooms.id) as seqs,
            (select max(seq) from room_events where room_id = rooms.id) as last
          from rooms where id = ${roomId}`
        if (room?.head !== head || room.events !== head || room.seqs !== head || room.last !== head)
          throw new Error(`the tables hold another log of ${roomId}: ${JSON.stringify(room)}, not ${head}`)
      }
    } finally {
      await sql.end({ timeout: 5 })
      await owned.stop()
    }
  }
}

async function renew(person: Person, url: string): Promise<void> {
  const body = { refreshToken: person.refreshToken }
  const answer = await request(url, 'POST', '/api/v1/auth/refresh', { body })
  if (answer.status !== 200) throw new Error(`a login did not survive the kill: ${answer.status}`)
  person.accessToken = answer.body.accessToken as string
  person.refreshToken = answer.body.refreshToken as string
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { kills: { type: 'string', default: '100' }, seed: { type: 'string' } },
  })
  const kills = Number(values.kills)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  if (!(kills > 0) || !Number.isInteger(seed)) throw new Error('usage: --kills COUNT [--seed NUMBER]')
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  say(JSON.stringify(await runKillCampaign({ kills, seed, say }), null, 2))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
