import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkloadShape } from '../shape.js'
import { edit, remove } from './operations/changing.js'
import { endDeviceLogin, endLogin } from './operations/ending-logins.js'
import { leaveAndJoin, reconnectElsewhere } from './operations/moving.js'
import {
  markRead,
  readAnywhere,
  readElsewhere,
  readLog,
  readPresence,
  search,
  type,
} from './operations/reading.js'
import { removeMember } from './operations/removing.js'
import { send, sendTwice } from './operations/sending.js'
import { spy } from './operations/spying.js'
import type { Operation, Stage } from './stage.js'

/** Of a thousand operations. What takes away somebody's access is drawn only where the shape is hostile. */
const SHARES: readonly {
  readonly share: number
  readonly operation: Operation
  readonly isHostile?: boolean
}[] = [
  { share: 640, operation: send },
  { share: 40, operation: sendTwice },
  { share: 20, operation: edit },
  { share: 10, operation: remove },
  { share: 70, operation: readElsewhere },
  { share: 40, operation: readAnywhere },
  { share: 30, operation: readLog },
  { share: 20, operation: readPresence },
  { share: 10, operation: search },
  { share: 30, operation: type },
  { share: 20, operation: markRead },
  { share: 20, operation: reconnectElsewhere },
  { share: 10, operation: leaveAndJoin },
  { share: 33, operation: spy, isHostile: true },
  { share: 5, operation: removeMember, isHostile: true },
  { share: 6, operation: endLogin, isHostile: true },
  { share: 1, operation: endDeviceLogin, isHostile: true },
]
/** Operations under way at once; beyond it none begins, as people wait for what hangs. */
const UNDER_WAY = 300

const ENDS_WITHIN_MS = 90_000

/** Lets people do things at random times, at a steady mean rate, until it is told to end. */
export class Workload {
  private readonly underWay = new Set<Promise<unknown>>()
  private ended = false
  private loop: Promise<void> = Promise.resolve()
  private failure: unknown = null

  constructor(
    private readonly stage: Stage,
    private readonly shape: Pick<WorkloadShape, 'operationsPerSecond' | 'isHostile' | 'sendsTwice'>,
  ) {}

  start(): void {
    this.loop = this.run()
  }

  /**
   * Begins nothing more, and resolves when all that was begun is over, or is not for so long that settling the world has to
   * say why. Rejects where an operation itself is wrong.
   */
  async end(): Promise<void> {
    this.ended = true
    await this.loop
    await Promise.race([Promise.all(this.underWay), sleep(ENDS_WITHIN_MS, null, { ref: false })])
    if (this.failure !== null) throw this.failure
  }

  private async run(): Promise<void> {
    const { draw } = this.stage
    const { sendsTwice } = this.shape
    const shares = SHARES.filter(({ isHostile = false }) => this.shape.isHostile || !isHostile)
    const operations = shares.map(({ operation }) =>
      sendsTwice && operation === send ? sendTwice : operation,
    )
    const weights = shares.map(({ share }) => share)
    let nextMs = performance.now()
    // Each kind once before chance decides, so that a short run exercises all of them too.
    for (let turn = 0; !this.ended; turn += 1) {
      nextMs += (-Math.log(1 - draw.chance()) * 1_000) / this.shape.operationsPerSecond
      await sleep(Math.max(0, nextMs - performance.now()))
      const index = turn < operations.length ? turn : draw.weighted(weights)
      if (this.underWay.size < UNDER_WAY) this.begin(operations[index] as Operation)
    }
  }

  private begin(operation: Operation): void {
    const done: Promise<unknown> = operation(this.stage)
      .catch((error: unknown) => {
        this.failure ??= error
      })
      .finally(() => this.underWay.delete(done))
    this.underWay.add(done)
  }
}
