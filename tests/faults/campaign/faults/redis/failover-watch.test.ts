import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Instance } from '../../world.js'
import { FailoverWatch } from './failover-watch.js'

let server: Server
let watch: FailoverWatch
let page: string

const states = (bus: number, presence: number): string =>
  `# TYPE parley_failover_state gauge
parley_failover_state{port="BusPort"} ${bus}
parley_failover_state{port="PresencePort"} ${presence}
parley_failover_switches_total{port="BusPort"} 4
`

describe('FailoverWatch', () => {
  beforeEach(async () => {
    page = states(1, 1)
    server = createServer((_request, response) => response.end(page)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    watch = new FailoverWatch([{ name: 'i1', url: `http://127.0.0.1:${port}`, isUp: true } as Instance])
  })
  afterEach(() => {
    watch.stop()
    server.closeAllConnections()
    server.close()
  })

  it('sees when an instance gives Redis up with one of its ports, and that it never did before', async () => {
    expect(await watch.thoseWithoutRedis(2_000)).toEqual([])
    const beganMs = performance.now()
    expect(watch.givenUpAfterMs('i1', beganMs, beganMs + 2_000)).toBeNull()
    await sleep(300)
    page = states(1, 0)
    await sleep(600)
    const afterMs = watch.givenUpAfterMs('i1', beganMs, beganMs + 2_000)
    expect(afterMs).toBeGreaterThanOrEqual(300)
    expect(afterMs).toBeLessThan(1_500)
    expect(watch.givenUpAfterMs('i1', beganMs, beganMs + 100)).toBeNull()
    expect(watch.givenUpAfterMs('i1', beganMs + 100, beganMs + 2_000)).toBeCloseTo((afterMs ?? 0) - 100)
    expect(watch.givenUpAfterMs('i1', performance.now(), Number.POSITIVE_INFINITY)).toBe(0)
    page = states(1, 1)
    expect(await watch.thoseWithoutRedis(2_000)).toEqual([])
    expect(watch.givenUpAfterMs('i1', performance.now(), Number.POSITIVE_INFINITY)).toBeNull()
  })

  it('waits until every instance is on Redis, and names who is not', async () => {
    page = states(0, 0)
    expect(await watch.thoseWithoutRedis(300)).toEqual(['i1'])
    const waiting = watch.thoseWithoutRedis(5_000)
    await sleep(300)
    page = states(1, 1)
    expect(await waiting).toEqual([])
  })

  it('takes an instance that tells of no port for one without Redis', async () => {
    page = 'process_open_fds 12\n'
    expect(await watch.thoseWithoutRedis(100)).toEqual(['i1'])
  })
})
