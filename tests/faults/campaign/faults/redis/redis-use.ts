import type { CampaignRedis } from '../../world.js'

/** What servers ask Redis to do for their users; watching, probing and connecting are no use of it. */
const WORK = new Set(['evalsha', 'eval', 'get', 'publish', 'spublish'])

/** How often Redis has done something for users since it was started. */
export async function workDone({ client }: CampaignRedis): Promise<number> {
  const stats = await client.info('commandstats')
  const calls = Array.from(stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm), ([, name = '', count]) =>
    WORK.has(name) ? Number(count) : 0,
  )
  return calls.reduce((sum, count) => sum + count, 0)
}

/** How often a command was refused before it was carried out, e.g. by an access list. */
export async function rejected({ client }: CampaignRedis, command: string): Promise<number> {
  const stats = await client.info('commandstats')
  return Number(new RegExp(`^cmdstat_${command}:.*rejected_calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
}

/** Connections to Redis, without the campaign's own. */
export async function connectionsTo({ client }: CampaignRedis): Promise<number> {
  const own = await client.client('ID')
  const list = String(await client.call('CLIENT', 'LIST'))
  const ids = Array.from(list.matchAll(/^id=(\d+)/gm), ([, id]) => Number(id))
  return ids.filter((id) => id !== own).length
}
