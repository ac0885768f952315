import { afterAll, beforeAll } from 'vitest'
import { type Instances, startInstances } from '../../support/instances.js'
import { asManyAs } from '../../support/server-mode.js'
import { ADMIN_TOKEN, type Cast, closeCast, signUpCast } from '../roles/cast.js'

export type TwoServers = {
  /** The people's own server. */
  readonly one: string
  readonly two: string
  readonly sql: Instances['sql']
  readonly cast: Cast
}

/** Two processes on one database for all tests of a file, and a cast at the first; embedded, both are the only one. */
export function twoServers(): () => TwoServers {
  let servers: TwoServers | null = null
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const instances = await startInstances(asManyAs(2), { PARLEY_ADMIN_TOKEN: ADMIN_TOKEN })
    closing.push(() => instances.stop())
    const [one = '', two = one] = instances.urls
    const cast = await signUpCast(one)
    closing.push(async () => closeCast(cast))
    servers = { one, two, sql: instances.sql, cast }
  })
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })

  return () => {
    if (servers === null) throw new Error('the servers have not started')
    return servers
  }
}
