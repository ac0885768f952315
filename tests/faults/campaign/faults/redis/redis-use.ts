import type { CampaignRedis } from '../../world.js'

/**
 * What Redis has kept for users since it was started: calls counted against limits, filled caches, who came or went. Without users
 * servers run scripts, read and publish all the same, but keep nothing by `SET`, except while they look for a Redis that they have lost.
 */
export const workDone = async ({ client }: Pick<CampaignRedis, 'client'>): Promise<number> =>
  workIn(await client.info('commandstats'))

/** The same of what `INFO commandstats` says, which counts the commands in scripts as well. */
export const workIn = (stats: string): number => Number(/^cmdstat_set:calls=(\d+)/m.exec(stats)?.[1] ?? 0)

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
