import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { monotonicNs, type StallLine } from '../checker/history.js'
import { watchStalls } from './stalls.js'

it('notes when this process stood still, and for how long', async () => {
  const stalls: StallLine[] = []
  const watch = watchStalls((line) => stalls.push(line))
  await sleep(60)
  const from = monotonicNs()
  while (monotonicNs() < from + 300e6);
  const to = monotonicNs()
  await sleep(60)
  watch.stop()
  const noted = stalls.filter(({ start, stop }) => start <= from && stop >= to)
  expect(noted).toHaveLength(1)
})
