import { describe, it } from 'vitest'
import { composed, inMemory, MISFORTUNES, type StartDeployment } from '../../support/deployments.js'
import { describeWithRedis } from '../../support/redis.js'
import { lostAndLate } from './lost-and-late.contract.js'
import { waiting } from './waiting.contract.js'

function withstands(startDeployment: () => StartDeployment): void {
  const start = startDeployment()
  it.each(Object.entries({ ...lostAndLate, ...waiting }))('%s', async (_behaviour, verify) =>
    verify(await start()),
  )
}

describe('processes in memory', () => withstands(inMemory))

describe('processes on Postgres', () => withstands(() => composed(null)))

describe.each(Object.entries(MISFORTUNES))('processes on a Redis', (name, misfortune) => {
  describeWithRedis(name, () => withstands(() => composed(misfortune)))
})
