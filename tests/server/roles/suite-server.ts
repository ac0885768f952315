import { afterAll, beforeAll } from 'vitest'
import { temporaryDirectory } from '../../support/postgres-cluster.js'
import { startServer } from '../../support/server-process.js'
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
    const directory = await temporaryDirectory()
    closing.push(() => directory.remove())
    const server = await startServer({
      PARLEY_DATA_DIR: directory.dataDir,
      PARLEY_LIMIT_FACTOR: '1000',
      PARLEY_ADMIN_TOKEN: ADMIN_TOKEN,
    })
    closing.push(() => server.stop())
    const cast = await signUpCast(server.url)
    closing.push(async () => closeCast(cast))
    suite = { url: server.url, cast, shared: await makeScene(cast) }
  })
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })

  return () => {
    if (suite === null) throw new Error('the server of the suite has not started')
    return suite
  }
}
