import { afterAll, beforeAll } from 'vitest'
import { startInstances } from '../../support/instances.js'
import { ADMIN_TOKEN, type Cast, closeCast, makeScene, type Scene, signUpCast } from './cast.js'

export type Suite = {
  readonly url: string
  readonly cast: Cast
  /** For calls that change nothing. */
  readonly shared: Scene
}

/** One server with its own database for all tests of a file, with a cast and a room. */
export function suiteServer(): () => Suite {
  let suite: Suite | null = null
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const instances = await startInstances(1, { PARLEY_ADMIN_TOKEN: ADMIN_TOKEN })
    closing.push(() => instances.stop())
    const [url = ''] = instances.urls
    const cast = await signUpCast(url)
    closing.push(async () => closeCast(cast))
    suite = { url, cast, shared: await makeScene(cast) }
  })
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })

  return () => {
    if (suite === null) throw new Error('the server of the suite has not started')
    return suite
  }
}
