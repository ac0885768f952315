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
export const metricsOf = async (url: string, withinMs = EVERY_MS): Promise<Map<string, number>> =>
  valuesIn(await pageOf(url, withinMs), /^([a-z_\d]+) ([-+.\deE]+)$/gm)

/** The values of one metric, by its labels as they are written there. */
export const labelledMetric = async (
  url: string,
  name: string,
  withinMs = EVERY_MS,
): Promise<Map<string, number>> =>
  valuesIn(await pageOf(url, withinMs), new RegExp(`^${name}\\{(.*)\\} ([-+.\\deE]+)$`, 'gm'))

async function pageOf(url: string, withinMs: number): Promise<string> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(withinMs) })
  return await response.text()
}

const valuesIn = (page: string, line: RegExp): Map<string, number> =>
  new Map(Array.from(page.matchAll(line), ([, name = '', value]) => [name, Number(value)]))
