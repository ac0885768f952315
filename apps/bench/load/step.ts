import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { busyShares, coreTimes, cpuSecondsOf } from '../machine/proc.js'
import { isOk } from './crowd.js'
import { LatencyRecord } from './latencies.js'
import type { Crowd, StepPlan, StepResult } from './protocol.js'
import type { LoadSocket } from './socket.js'
import { type Bodies, indexAt, MARK, MARK_BYTES, stepAt } from './words.js'

/** Unanswered for longer than this, a step is lost: what is still due is not sent, or it would take minutes to drain. */
const HOPELESS_MS = 600
const HOPELESS_SENDS = 100
/** After the last send; more than the longest latency with which a step passes. */
const GRACE_MS = 1_500
/** How long an overloaded server may take for what it has, so that the next step begins on an idle one. */
const DRAIN_MS = 20_000
/** Without an answer or a delivery for so long, nothing more is to come. */
const STALLED_MS = 2_000
const POLL_MS = 10
/** Of how many messages one is timed at each of its receivers; all are counted. */
const TIMED_OF = 4

/** One step: messages at a set rate, each due at its own time whatever the server does, every ack and delivery counted. */
export class Step {
  private readonly count: number
  private readonly dueMs: Float64Array
  private readonly writtenMs: Float64Array
  private readonly answered: Uint8Array
  /** How often each client got each message. */
  private readonly seen: Uint8Array[]
  private readonly ackMs: LatencyRecord
  private readonly ackFromWriteMs: LatencyRecord
  private readonly deliveryMs: LatencyRecord
  private readonly membersOf: number[][]
  private sent = 0
  private acked = 0
  private refused = 0
  private refusal: string | null = null
  private delivered = 0
  private expected = 0
  private closed = 0
  private fellBehind = false

  constructor(
    private readonly plan: StepPlan,
    private readonly crowd: Crowd,
    private readonly sockets: readonly LoadSocket[],
    private readonly bodies: Bodies,
  ) {
    this.count = Math.max(1, Math.round((plan.perSecond * plan.durationMs) / 1_000))
    this.dueMs = new Float64Array(this.count)
    this.writtenMs = new Float64Array(this.count)
    this.answered = new Uint8Array(this.count)
    this.seen = sockets.map(() => new Uint8Array(this.count))
    this.ackMs = new LatencyRecord(this.count)
    this.ackFromWriteMs = new LatencyRecord(this.count)
    this.deliveryMs = new LatencyRecord(this.count)
    this.membersOf = crowd.roomIds.map(() => [])
    crowd.clients.forEach(({ rooms }, client) => {
      for (const room of rooms) this.membersOf[room]?.push(client)
    })
  }

  async run(): Promise<StepResult> {
    this.sockets.forEach((socket, client) => {
      socket.listen({
        onAck: (id, data, start, end) => this.onAck(id, data, start, end),
        onEvent: (data, start, end) => this.onEvent(client, data, start, end),
        onClose: () => {
          this.closed += 1
        },
      })
    })
    const serverFrom = cpuSecondsOf(this.plan.serverPid)
    const coresFrom = coreTimes()
    const cpuFrom = process.cpuUsage()
    const startMs = performance.now()
    await this.sendAll()
    const cpu = process.cpuUsage(cpuFrom)
    const seconds = (performance.now() - startMs) / 1_000
    const coresBusy = busyShares(coresFrom, coreTimes())
    const serverCpu = (cpuSecondsOf(this.plan.serverPid) - serverFrom) / seconds
    await this.settled(GRACE_MS)
    const result = this.result((cpu.user + cpu.system) / 1e6 / seconds, serverCpu, coresBusy)
    await this.settled(DRAIN_MS)
    return result
  }

  private async sendAll(): Promise<void> {
    const startMs = performance.now() + 1
    for (let index = 0; index < this.count; index += 1)
      this.dueMs[index] = startMs + (index * 1_000) / this.plan.perSecond
    while (this.sent < this.count && !this.fellBehind) {
      const nowMs = performance.now()
      while (this.sent < this.count && (this.dueMs[this.sent] ?? 0) <= nowMs) this.sendNext()
      this.fellBehind = this.isHopeless()
      await sleep(1)
    }
  }

  private isHopeless(): boolean {
    const perMs = this.plan.perSecond / 1_000
    const unanswered = this.sent - this.acked - this.refused
    const perMessage = this.expected / Math.max(1, this.sent)
    const undelivered = (this.expected - this.delivered) / Math.max(1, perMessage)
    return Math.max(unanswered, undelivered) > HOPELESS_SENDS + perMs * HOPELESS_MS
  }

  private sendNext(): void {
    const index = this.sent
    const { client, room } = this.senderOf(index)
    const roomId = this.crowd.roomIds[room] ?? ''
    const text = this.bodies.body(this.plan.number, index)
    this.sent += 1
    this.expected += this.membersOf[room]?.length ?? 0
    this.writtenMs[index] = performance.now()
    this.sockets[client]?.send(
      `2${this.ackIdOf(index)}["message:send",{"roomId":"${roomId}","clientMessageId":"${randomUUID()}","text":"${text}"}]`,
    )
  }

  private senderOf(index: number): { client: number; room: number } {
    const { senders } = this.plan
    const sender = senders[index % senders.length]
    if (sender === undefined) throw new Error('a step needs senders')
    return sender
  }

  /** Tells the step too, so that an answer that comes too late is not taken for one of the next step. */
  private ackIdOf(index: number): number {
    return this.plan.number * 10_000_000 + index
  }

  private onAck(id: number, data: Buffer, start: number, end: number): void {
    const index = id - this.plan.number * 10_000_000
    if (!(index >= 0 && index < this.sent) || this.answered[index] === 1) return
    this.answered[index] = 1
    if (!isOk(data, start)) {
      this.refused += 1
      this.refusal ??= data.toString('utf8', start, Math.min(end, start + 200))
      return
    }
    this.acked += 1
    const nowMs = performance.now()
    this.ackMs.add(nowMs - (this.dueMs[index] ?? 0))
    this.ackFromWriteMs.add(nowMs - (this.writtenMs[index] ?? 0))
  }

  /** A packet may carry any number of messages; each is found by its mark. */
  private onEvent(client: number, data: Buffer, start: number, end: number): void {
    const seen = this.seen[client]
    let nowMs = 0
    for (
      let at = data.indexOf(MARK, start);
      at !== -1 && at < end;
      at = data.indexOf(MARK, at + MARK_BYTES)
    ) {
      if (stepAt(data, at) !== this.plan.number || seen === undefined) continue
      const index = indexAt(data, at)
      seen[index] = (seen[index] ?? 0) + 1
      this.delivered += 1
      if (index % TIMED_OF !== 0) continue
      if (nowMs === 0) nowMs = performance.now()
      this.deliveryMs.add(nowMs - (this.dueMs[index] ?? 0))
    }
  }

  /** Waits until all that was sent is answered and delivered, or nothing more comes, at most so long. */
  private async settled(withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs
    const progress = () => this.acked + this.refused + this.delivered
    let [last, lastMs] = [progress(), performance.now()]
    while (this.isOpen() && performance.now() < Math.min(deadlineMs, lastMs + STALLED_MS)) {
      await sleep(POLL_MS)
      if (progress() !== last) [last, lastMs] = [progress(), performance.now()]
    }
  }

  private isOpen(): boolean {
    const isAnswered = this.acked + this.refused >= this.sent
    return this.closed === 0 && !(isAnswered && this.delivered >= this.expected)
  }

  private result(loadCpu: number, serverCpu: number, coresBusy: number[] | null): StepResult {
    const { refused, refusal, acked, sent, fellBehind, closed } = this
    const counted = this.countDeliveries()
    return {
      perSecond: this.plan.perSecond,
      sent,
      acked,
      refused,
      refusal,
      ...counted,
      fellBehind,
      closed,
      ackMs: this.ackMs.summary(),
      deliveryMs: this.deliveryMs.summary(),
      ackFromWriteMs: this.ackFromWriteMs.summary(),
      loadCpu,
      serverCpu,
      coresBusy,
    }
  }

  /** Each message once at each member is what counts as delivered; everything beyond it is surplus. */
  private countDeliveries(): { expectedDeliveries: number; delivered: number; surplus: number } {
    let delivered = 0
    for (let index = 0; index < this.sent; index += 1) {
      for (const member of this.membersOf[this.senderOf(index).room] ?? [])
        if ((this.seen[member]?.[index] ?? 0) > 0) delivered += 1
    }
    return { expectedDeliveries: this.expected, delivered, surplus: this.delivered - delivered }
  }
}
