import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** Set by the project that a test file runs in. */
    serverMode: ServerMode
  }
}

/**
 * What the servers of `startInstances` stand on: a Postgres that they bring themselves; `DATABASE_URL` alone; that and a Redis;
 * that and a Redis which is killed for ever in the middle of the tests.
 */
export type ServerMode = 'embedded' | 'postgres' | 'redis' | 'redis-killed'

export const serverMode: ServerMode = inject('serverMode')

/** An embedded server is one process, because nobody else may use its data directory. */
export const canRunTwo = serverMode !== 'embedded'

/** As many servers as asked for, where there can be several. */
export const asManyAs = (count: number): number => (canRunTwo ? count : 1)

/** What `/readyz` may say of a server of which nothing is wrong but what the mode does to it. */
export const SOUND_VERDICTS: readonly unknown[] = serverMode === 'redis-killed' ? ['ok', 'degraded'] : ['ok']
