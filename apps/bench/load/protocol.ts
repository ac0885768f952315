/** What the driver asks of a load process, and what it is answered; plain JSON over the channel between the two. */
export type LoadClient = {
  readonly token: string
  /** Indexes into the rooms of the crowd. */
  readonly rooms: readonly number[]
}

/** Who connects, and to which rooms. */
export type Crowd = {
  /** Of the processes of the system, among whom the clients are spread in turn. */
  readonly urls: readonly [string, ...string[]]
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

/** One kind of read; its payloads, which are JSON, take turns. */
export type Question = {
  readonly name: string
  readonly event: string
  readonly payloads: readonly string[]
}

export type Answers = {
  readonly name: string
  readonly ms: Latencies
  /** In the first answer. */
  readonly messages: number
  readonly bytes: number
}

/** How a crowd came back; times in ms of the Unix epoch. */
export type Return = {
  /** When the first connection was accepted that was then upgraded. */
  readonly listeningAtMs: number
  readonly allBackAtMs: number
  /** Events that the joins brought. */
  readonly missedEvents: number
}

/** What is asked of a load process, with what it answers. */
export type LoadCalls = {
  /** `stay` keeps who is connected and adds the rest of a larger crowd. */
  readonly connect: {
    readonly input: { readonly crowd: Crowd; readonly stay: boolean }
    readonly output: null
  }
  readonly step: { readonly input: StepPlan; readonly output: StepResult }
  readonly comeBack: { readonly input: null; readonly output: Return }
  readonly ask: {
    readonly input: {
      readonly client: number
      readonly questions: readonly Question[]
      readonly turns: number
    }
    readonly output: readonly Answers[]
  }
}

export type LoadRequest = {
  [Type in keyof LoadCalls]: { readonly type: Type; readonly input: LoadCalls[Type]['input'] }
}[keyof LoadCalls]

export type LoadCall = { readonly id: number; readonly request: LoadRequest }
export type LoadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string }
