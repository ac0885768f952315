import { describe, expect, it } from 'vitest'
import { MemoryBusHub, MemoryClock, MemoryDatabase, memoryRepos } from '../../../adapters/memory/index.js'
import type { SweepPort } from '../../../core/ports/sweep-port.js'
import { LoginFeed } from '../../../core/use-cases/feed/login-feed.js'
import { RoomFeed } from '../../../core/use-cases/feed/room-feed.js'
import { Sweeper } from '../../../core/use-cases/feed/sweeper.js'

const FOR_MS = 3_000

/** When sweeps begin, of which each takes `queryMs`; in ms since the first. */
async function beginnings(queryMs: number): Promise<readonly number[]> {
  const clock = new MemoryClock()
  const startedMs = clock.nowMs()
  const begun: number[] = []
  const sweep: SweepPort = {
    async sweep() {
      begun.push(clock.nowMs() - startedMs)
      await new Promise<void>((resolve) => void clock.after(queryMs, resolve))
      return { heads: new Map(), ended: [] }
    },
  }
  const bus = new MemoryBusHub(clock).endpoint()
  const ports = { sweep, bus, clock, log: memoryRepos(new MemoryDatabase()).log }
  const sweeper = new Sweeper(ports, { rooms: new RoomFeed(ports), logins: new LoginFeed(ports) })
  const started = sweeper.start()
  await clock.advance(FOR_MS)
  await started
  sweeper.stop()
  return begun
}

describe('sweeps', () => {
  it.each([0, 3, 100, 250, 499])('begin in one rhythm where each takes %i ms', async (queryMs) => {
    expect(await beginnings(queryMs)).toEqual([0, 750, 1_500, 2_250, 3_000])
  })

  it.each([
    [600, [0, 850, 1_700, 2_550]],
    [2_000, [0, 2_250]],
  ])('leave a slow store a pause where each takes %i ms', async (queryMs, begun) => {
    expect(await beginnings(queryMs)).toEqual(begun)
  })
})
