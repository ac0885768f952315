import { quantile } from '../../checker/grouping.js'
import type { Check } from '../fault.js'
import type { Device } from '../workload/device.js'

/** Refusals that the workload itself has brought about. */
const DESERVED = new Set(['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED'])

/** What users of the SDK are shown of what they send: who repeats a call unseen shows no error. */
export class OutboxWatch {
  /** Messages that were in an outbox. */
  private readonly seen = new Set<string>()
  /** Those that a user would be shown as failed, with the code. */
  private readonly failures = new Map<string, string>()
  /** From the outbox to the ack. */
  private readonly tookMs: number[] = []

  follow({ client, name }: Device): void {
    const waiting = new Map<string, number>()
    client.outbox.subscribe(() => {
      const present = client.outbox.getSnapshot()
      for (const { state, clientMessageId, error } of present) {
        const message = `${name} ${clientMessageId}`
        this.seen.add(message)
        if (state === 'failed') {
          waiting.delete(message)
          if (!DESERVED.has(error?.code ?? '')) this.failures.set(message, error?.code ?? 'no code')
        } else if (!waiting.has(message)) waiting.set(message, performance.now())
      }
      // What has been acked is in the outbox no more.
      const names = new Set(present.map(({ clientMessageId }) => `${name} ${clientMessageId}`))
      for (const [message, sinceMs] of waiting)
        if (!names.has(message)) {
          waiting.delete(message)
          this.tookMs.push(performance.now() - sinceMs)
        }
    })
  }

  check(): Check {
    const { tookMs } = this
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
    return {
      name: 'no send fails, as the user of the SDK sees it',
      checked: this.seen.size,
      violations: Array.from(this.failures, ([message, code]) => `${message}: ${code}`),
      seen: `${tookMs.length} acked, p99 after ${seconds(quantile(tookMs, 0.99))}, the slowest after ${seconds(Math.max(...tookMs))}`,
    }
  }
}
