import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { withinDeadline } from '../../adapters/redis/deadline.js'

it('gives up what has not ended by its deadline', async () => {
  const startedMs = performance.now()
  await expect(withinDeadline(50, new Promise(() => undefined))).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(45)
})

it('passes on what ends before it, answer or error', async () => {
  expect(await withinDeadline(5_000, Promise.resolve(7))).toBe(7)
  await expect(withinDeadline(5_000, Promise.reject(new RangeError('seven')))).rejects.toThrow('seven')
})

it('lets nothing that fails after it end the process', async () => {
  const failing = sleep(30).then(() => Promise.reject(new Error('late')))
  await expect(withinDeadline(5, failing)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await sleep(60)
})
