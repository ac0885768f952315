import type { RedisClient, RedisConnection } from './redis-connection.js'

/** A process that has missed so many of its own probes in a row does not hear. */
const LOST_MEANS_DEAF = 2
/** A connection on which so many were lost is replaced; the next one is given twice as many to begin with, and so on. */
const LOST_MEANS_GONE = { first: 4, most: 64 }

export type BusListenerOptions = {
  /** With a hash tag: in a cluster what it begins lies in one slot, and so on one connection. */
  readonly channel: string
  /** Tells the channel for the probes of this process from that of others. */
  readonly origin: string
  readonly probeMs: number
  readonly onPayload: (payload: string) => void
  /** Told each time when it hears, the first time included, and when it does not any more. */
  readonly onHearing: (hears: boolean) => void
}

/**
 * One connection that listens, and listens again whenever it was lost. One that was cut without a word looks like a quiet one, and
 * commands know nothing of it, so this process sends itself probes.
 */
export class BusListener {
  private readonly channels: [channel: string, probes: string]
  private client: RedisClient | null = null
  private probing: ReturnType<typeof setInterval> | undefined
  private closed = false
  private isHearing = false
  private heardAt = 0
  /** Probes in a row that were published and have not come back. */
  private lost = 0
  private lostMeansGone = LOST_MEANS_GONE.first

  constructor(
    private readonly redis: Pick<RedisConnection, 'call' | 'isCluster' | 'openSubscriber'>,
    private readonly options: BusListenerOptions,
  ) {
    this.channels = [options.channel, `${options.channel}:${options.origin}`]
  }

  /** False until it has listened once, as well. */
  get hears(): boolean {
    return this.isHearing
  }

  get hasStarted(): boolean {
    return this.client !== null
  }

  /** Begins to listen; does nothing after the first time. */
  start(): void {
    if (this.hasStarted || this.closed) return
    this.open()
    this.probing = setInterval(() => this.probe(), this.options.probeMs).unref()
  }

  stop(): void {
    this.closed = true
    clearInterval(this.probing)
    this.client?.disconnect()
  }

  private open(): void {
    this.client?.disconnect()
    this.lost = 0
    const client = this.redis.openSubscriber()
    this.client = client
    const on = (event: string, act: (...args: string[]) => void) =>
      client.on(event, (...args: string[]) => {
        if (this.client === client && !this.closed) act(...args)
      })
    for (const loss of ['close', '-subscriber', 'subscriberConnectFailed']) on(loss, () => this.become(false))
    on(this.redis.isCluster ? 'smessage' : 'message', (channel = '', payload = '') => {
      this.hear()
      if (channel === this.options.channel) this.options.onPayload(payload)
    })
    if (this.redis.isCluster) this.listenInCluster(client, on)
    else this.listen(client, on)
    client.connect().catch(() => undefined)
  }

  private listen(client: RedisClient, on: (event: string, act: () => void) => void): void {
    on('ready', () => this.confirm(client.subscribe(...this.channels)))
  }

  /** A cluster's client subscribes again by itself, catches what goes wrong, and remembers each channel as often as it was named. */
  private listenInCluster(client: RedisClient, on: (event: string, act: () => void) => void): void {
    let isSubscribed = false
    on('ready', () => {
      if (!isSubscribed) this.confirm(client.ssubscribe(...this.channels))
      isSubscribed = true
    })
    on('subscribersReady', () => this.sendProbe())
  }

  /** Where it is refused, the probes that do not come back lead to another attempt. */
  private confirm(subscribed: Promise<unknown>): void {
    const { client } = this
    subscribed.then(
      () => this.client === client && !this.closed && this.hear(),
      () => undefined,
    )
  }

  private hear(): void {
    this.heardAt = performance.now()
    this.lost = 0
    this.lostMeansGone = LOST_MEANS_GONE.first
    this.become(true)
  }

  private probe(): void {
    if (this.lost >= this.lostMeansGone) {
      this.lostMeansGone = Math.min(2 * this.lostMeansGone, LOST_MEANS_GONE.most)
      this.become(false)
      this.open()
    }
    this.sendProbe()
  }

  /** Only what was published can be lost: a process that stood still, or a Redis that is away, says nothing of the connection. */
  private sendProbe(): void {
    const sentAt = performance.now()
    const [, probes] = this.channels
    this.redis
      .call('BusPort', (client) =>
        this.redis.isCluster ? client.spublish(probes, '') : client.publish(probes, ''),
      )
      .then(
        () => this.heardAt < sentAt && this.lose(),
        () => undefined,
      )
  }

  private lose(): void {
    this.lost += 1
    if (this.lost >= LOST_MEANS_DEAF) this.become(false)
  }

  private become(hears: boolean): void {
    if (this.isHearing === hears || this.closed) return
    this.isHearing = hears
    this.options.onHearing(hears)
  }
}
