import { request } from '../../support/person.js'

/** The present value of a metric without labels. */
export async function metric(url: string, name: string): Promise<number> {
  const { body } = await request(url, 'GET', '/metrics')
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(String(body.text))?.[1]
  if (value === undefined) throw new Error(`no metric ${name}`)
  return Number(value)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** How long it took, in ms, beside the result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedMs = performance.now()
  const result = await work()
  return { result, ms: performance.now() - startedMs }
}

/** The slowest of cheap requests that are made one after the other while `work` runs: how long the server leaves others waiting. */
export async function slowestMeanwhile(
  work: () => Promise<unknown>,
  cheap: () => Promise<unknown>,
): Promise<number> {
  let over = false
  let slowest = 0
  const looking = (async () => {
    while (!over) slowest = Math.max(slowest, (await timed(cheap)).ms)
  })()
  await work().finally(() => {
    over = true
  })
  await looking
  return slowest
}
