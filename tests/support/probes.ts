import { request } from './person.js'

export type Readiness = { readonly status: number; readonly checks: Readonly<Record<string, string>> }

export async function readiness(url: string): Promise<Readiness & { readonly verdict: unknown }> {
  const { status, body } = await request(url, 'GET', '/readyz')
  return { status, verdict: body.status, checks: body.checks as Readiness['checks'] }
}

/** Whether all adapters of an instance that can be are on Redis, and it lacks nothing else. */
export const isOnRedis = async (url: string) => (await readiness(url)).verdict === 'ok'
export const metricsOf = async (url: string) => String((await request(url, 'GET', '/metrics')).body.text)

export async function metricOf(url: string, name: string): Promise<number> {
  const line = (await metricsOf(url)).split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.split(' ').at(-1) ?? Number.NaN)
}
