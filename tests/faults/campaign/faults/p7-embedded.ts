import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Person, request } from '../../../support/person.js'
import { type RunningServer, startServer } from '../../../support/server-process.js'
import { Ledger } from '../../ledger.js'
import { type SmallDisk, smallDisk } from '../../nemesis/small-disk.js'
import { Sender } from '../../sender.js'
import { drawFor } from '../draw.js'
import type { Check, StandaloneFault, StandaloneOptions, StandaloneReport } from '../fault.js'

const DISK_MB = 250
const ROUNDS = 3
const START_WITHIN_MS = 60_000
const BEFORE_MS = 2_000
const FULL_MS = { min: 3_000, max: 10_000 }
const TOP_UP_MS = 100
const BACK_WITHIN_MS = 60_000
const PEOPLE = ['Ada', 'Ben']

/** As P7-server, for the Postgres that a server brings itself: also the server's own files are on that disk. */
export const fullDiskEmbedded: StandaloneFault = {
  name: 'P7-embedded',
  title: 'the disk of an embedded Postgres is full, again and again',
  scale: `a disk of ${DISK_MB} MB, ${ROUNDS} times`,
  async run(options) {
    const disk = await smallDisk(DISK_MB)
    const variables = { PARLEY_DATA_DIR: disk.dataDir, PARLEY_LIMIT_FACTOR: '1000' }
    const server = await startServer(variables, START_WITHIN_MS).catch(async (error: unknown) => {
      await disk.remove()
      throw error
    })
    try {
      return await new FullDisk(disk, server, options).run()
    } finally {
      await server.kill()
      await disk.remove()
    }
  },
}

class FullDisk {
  private readonly ledger = new Ledger()
  private senders: Sender[] = []
  private people: Person[] = []
  private roomId = ''
  private unstored = 0
  private readonly backMs: number[] = []

  constructor(
    private readonly disk: SmallDisk,
    private readonly server: RunningServer,
    private readonly options: StandaloneOptions,
  ) {}

  async run(): Promise<StandaloneReport> {
    const draw = drawFor(this.options.seed, 'P7-embedded')
    await this.prepare(draw.chance)
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const sender of this.senders) await sender.start(this.server.url)
      await sleep(BEFORE_MS)
      await this.fillFor(draw.between(FULL_MS.min, FULL_MS.max))
      this.backMs.push(await this.writableAfterMs())
      for (const sender of this.senders) await sender.stop()
      await this.readBack()
      this.options.say(
        `  round ${round}: ${this.ledger.ackedCount} acked, ${this.unstored} could not be stored`,
      )
    }
    await this.sendWhatIsOpen()
    for (const person of this.people) await this.ledger.readAgain(person, this.roomId, this.server.url)
    for (const person of this.people) person.close()
    const code = await this.server.stop()
    return { checks: this.checks(code) }
  }

  private async prepare(chance: () => number): Promise<void> {
    const { url } = this.server
    for (const name of PEOPLE) this.people.push(await Person.signUp(url, name))
    const [owner, guest] = this.people
    if (owner === undefined || guest === undefined) throw new Error('there are two people')
    this.roomId = await owner.createRoom()
    await owner.invite(this.roomId, guest)
    const onAck = this.ledger.promise.bind(this.ledger)
    this.senders = this.people.map((person) => new Sender(person, { rooms: [this.roomId], chance, onAck }))
  }

  private async fillFor(ms: number): Promise<void> {
    const endMs = performance.now() + ms
    while (performance.now() < endMs) {
      await this.disk.fill()
      const token = this.people[0]?.accessToken ?? ''
      const path = `/api/v1/rooms/${this.roomId}/messages`
      // Nothing that could be compressed: it needs new pages.
      const text = randomBytes(3_900).toString('hex')
      const body = { clientMessageId: randomUUID(), text }
      const { status } = await request(this.server.url, 'POST', path, { token, body })
      if (status === 503) this.unstored += 1
      await sleep(TOP_UP_MS)
    }
    await this.disk.free()
  }

  private async writableAfterMs(): Promise<number> {
    const startedMs = performance.now()
    const before = this.ledger.ackedCount
    while (this.ledger.ackedCount === before && performance.now() - startedMs < BACK_WITHIN_MS)
      await sleep(50)
    return performance.now() - startedMs
  }

  private async readBack(): Promise<void> {
    const [reader] = this.people
    if (reader === undefined) throw new Error('nobody reads')
    await this.ledger.readOn(reader, this.roomId, this.server.url)
    this.ledger.confirm()
  }

  private async sendWhatIsOpen(): Promise<void> {
    for (const sender of this.senders) await sender.start(this.server.url)
    await sleep(BEFORE_MS)
    for (const sender of this.senders) await sender.stop()
    await this.readBack()
  }

  private checks(code: number | null): readonly Check[] {
    const slow = this.backMs.filter((ms) => ms >= BACK_WITHIN_MS)
    return [
      {
        name: 'every acked message is there, once and unchanged, in a log without a gap',
        checked: this.ledger.ackedCount,
        violations: [],
        seen: `${this.ledger.ackedCount} acked, ${this.ledger.storedCount} stored`,
      },
      {
        name: 'sends that could not be stored got 503',
        checked: this.unstored,
        violations: [],
        seen: String(this.unstored),
      },
      {
        name: 'the same process stores again when there is space, and ends in order',
        checked: this.backMs.length,
        violations: [
          ...slow.map(() => `not within ${BACK_WITHIN_MS / 1_000} s`),
          ...(code === 0 ? [] : [`exit code ${code}`]),
        ],
        seen: `after ${this.backMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ')}`,
      },
    ]
  }
}
