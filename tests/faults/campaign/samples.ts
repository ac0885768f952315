import { monotonicNs } from '../checker/history.js'
import type { HistoryWriter } from '../checker/history-file.js'
import type { Instance } from './parts.js'

const EVERY_MS = 1_000

export type Sampling = { stop(): void }

/** Asks each instance each second what it uses; who does not answer in time leaves no line. */
export function sample(writer: HistoryWriter, instances: readonly Instance[]): Sampling {
  const timer = setInterval(() => {
    for (const instance of instances) if (instance.isUp) void take(writer, instance)
  }, EVERY_MS)
  return { stop: () => clearInterval(timer) }
}

async function take(writer: HistoryWriter, { name, url }: Instance): Promise<void> {
  const metrics = await metricsOf(url).catch(() => null)
  if (metrics === null) return
  writer.write({
    type: 'sample',
    t: monotonicNs(),
    instance: name,
    rssBytes: metrics.get('process_resident_memory_bytes') ?? 0,
    openFiles: metrics.get('process_open_fds') ?? 0,
    loopDelayMs: 1_000 * (metrics.get('nodejs_eventloop_lag_max_seconds') ?? 0),
  })
}

/** Of a Prometheus page, the lines without labels. */
export async function metricsOf(url: string, withinMs = EVERY_MS): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(withinMs) })
  const text = await response.text()
  return new Map(
    Array.from(text.matchAll(/^([a-z_\d]+) ([-+.\deE]+)$/gm), ([, name = '', value]) => [
      name,
      Number(value),
    ]),
  )
}
