import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** From what a quick commit takes to what a user takes for a failure. */
const LATENCIES_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type RequestLabels = {
  readonly operation: string
  readonly transport: 'http' | 'socket'
  readonly outcome: string
}

/** What the server counts. One instance a server, so that several can live in one process. */
export class Metrics {
  readonly registry = new Registry()
  readonly sendToAck = this.histogram(
    'parley_send_ack_seconds',
    'From a send to its ack, that is to its commit.',
  )
  readonly commitToDeliver = this.histogram(
    'parley_deliver_seconds',
    'From the time stamped on an event to its delivery to the local sockets.',
  )
  readonly busLag = this.histogram(
    'parley_bus_lag_seconds',
    'From publishing to receiving, between two processes: hints of rooms, and what is said to sockets.',
  )
  readonly slowReaders = this.counter('parley_slow_readers_total', 'Sockets cut because they did not read.')
  readonly busFailures = this.counter(
    'parley_bus_failures_total',
    'Messages that could not be handed to the bus.',
  )
  readonly busPartialAnswers = this.counter(
    'parley_bus_partial_answers_total',
    'Questions for the sockets of all processes that some process did not answer in time.',
  )

  /** By transport, operation and outcome, those since the registry was last asked: labels cost a send more than it takes to count it. */
  private readonly requests = new Map<string, { readonly labels: RequestLabels; count: number }>()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    const { requests } = this
    new Counter<keyof RequestLabels>({
      name: 'parley_requests_total',
      help: 'Requests answered, by operation and outcome.',
      labelNames: ['operation', 'transport', 'outcome'],
      registers: [this.registry],
      collect() {
        for (const request of requests.values()) {
          this.inc(request.labels, request.count)
          request.count = 0
        }
      },
    })
  }

  countRequest(operation: string, transport: RequestLabels['transport'], outcome: string): void {
    const key = `${transport} ${operation} ${outcome}`
    const known = this.requests.get(key)
    if (known !== undefined) known.count += 1
    else this.requests.set(key, { labels: { operation, transport, outcome }, count: 1 })
  }

  /** A value that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }

  /** A count that someone else keeps; it never goes down. */
  total(name: string, help: string, read: () => number): void {
    let told = 0
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        const now = read()
        this.inc(now - told)
        told = now
      },
    })
  }

  private counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] })
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({ name, help, buckets: LATENCIES_S, registers: [this.registry] })
  }
}
