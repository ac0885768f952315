/** What the driver asks of a load process, and what it is answered; plain JSON over the channel between the two. */
export type LoadClient = {
  readonly token: string
  /** Indexes into the rooms of the crowd. */
  readonly rooms: readonly number[]
}

/** Who connects, and to which rooms. */
export type Crowd = {
  readonly url: string
  readonly roomIds: readonly string[]
  readonly clients: readonly LoadClient[]
}

export type StepPlan = {
  /** Unique within the life of the load process; messages carry it. */
  readonly number: number
  readonly perSecond: number
  readonly durationMs: number
  /** Who sends where, in turn. */
  readonly senders: readonly { readonly client: number; readonly room: number }[]
  /** The server under test, whose processor time is read along with that of its children. */
  readonly serverPid: number
}

export type Latencies = { readonly p50: number; readonly p99: number; readonly max: number }

export type StepResult = {
  readonly perSecond: number
  readonly sent: number
  readonly acked: number
  readonly refused: number
  /** What one of the refusals said. */
  readonly refusal: string | null
  readonly expectedDeliveries: number
  readonly delivered: number
  /** Deliveries beyond one of a message to a member, or to somebody else. */
  readonly surplus: number
  /** The server fell so far behind that the rest was not sent. */
  readonly fellBehind: boolean
  readonly closed: number
  /** From the moment in which the message was due, in ms. */
  readonly ackMs: Latencies
  readonly deliveryMs: Latencies
  /** From the moment in which the message was written; no measure at a rate that the server does not keep up with. */
  readonly ackFromWriteMs: Latencies
  /** Processor time of the load per second. */
  readonly loadCpu: number
  /** Processor time of the server and its database per second. */
  readonly serverCpu: number
  /** Busy shares of the two cores, whoever made them busy; null where the system does not tell. */
  readonly coresBusy: readonly number[] | null
}

export type LoadRequest =
  | { readonly type: 'connect'; readonly crowd: Crowd }
  | { readonly type: 'step'; readonly plan: StepPlan }

export type LoadCall = { readonly id: number; readonly request: LoadRequest }
export type LoadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string }
