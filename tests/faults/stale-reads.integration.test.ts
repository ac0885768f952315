import { expect, it } from 'vitest'
import { migrate } from '../../adapters/postgres/index.js'
import { testDatabase } from '../support/postgres.js'
import { describeWithRedis } from '../support/redis.js'
import { watchReads } from './stale-reads/watch-reads.js'

describeWithRedis('reads that name the acked seq', () => {
  it('are never stale while Redis dies and returns old (fault R4, fault R18)', async () => {
    const database = await testDatabase()
    try {
      await migrate(database.url)
      const report = await watchReads({ databaseUrl: database.url, reads: 30_000, seed: 1 })
      expect(report).toMatchObject({ stale: 0, witnesses: [] })
      expect(report.reads).toBeGreaterThanOrEqual(30_000)
      expect(report.returns).toBeGreaterThan(0)
      // Else nothing was remembered, or nothing that was old.
      for (const count of Object.values(report.answers)) expect(count).toBeGreaterThan(0)
    } finally {
      await database.drop()
    }
  }, 120_000)
})
