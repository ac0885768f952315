import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, request } from '../support/person.js'
import { asManyAs, canRunTwo, serverMode } from '../support/server-mode.js'
import type { RunningServer } from '../support/server-process.js'

const ADMIN = 'a-token-of-the-administrator'

type Instance = { id: string; pid: number; sockets: number; roomsTracked: number }
const pidsOf = (body: Record<string, unknown>) => (body.instances as Instance[]).map(({ pid }) => pid).sort()

/** A second for the others to answer, and as much for all the rest under load. */
const BUDGET_MS = 2_500
/** Within two of them every process knows all others, also where the first one was lost. */
const HEARTBEATS = { timeout: 12_000, interval: 200 }

type OfInstance<T> = { instance: string; report: T }

describe('GET /admin/overview', () => {
  let started: Instances
  let servers: RunningServer[]

  beforeAll(async () => {
    started = await startInstances(asManyAs(3), { PARLEY_ADMIN_TOKEN: ADMIN, PARLEY_LIMIT_FACTOR: '1' })
    servers = started.servers
  })

  afterAll(() => started?.stop())

  const overview = async (server: RunningServer | undefined) => {
    const answer = await request(server?.url ?? '', 'GET', '/api/v1/admin/overview', { token: ADMIN })
    expect(answer.status).toBe(200)
    return answer.body
  }

  it('tells of every process, whichever is asked, and what each has done', async () => {
    const [first] = servers
    const nora = await Person.signUp(first?.url ?? '', 'Nora')
    const roomId = await nora.createRoom()
    const socket = await nora.connect()
    await expectOk(call(socket, 'room:join', { roomId }))
    await expectOk(call(socket, 'message:send', { roomId, clientMessageId: 'one', text: 'Hello' }))

    const body = await overview(servers.at(-1))
    expect(Object.keys(body)).toEqual(
      expect.arrayContaining(['instances', 'failover', 'caches', 'redis', 'bus', 'latencies']),
    )
    expect(body.partial).toBe(false)
    if (!serverMode.startsWith('redis')) expect(body).toMatchObject({ failover: [], redis: null })
    const instances = body.instances as Instance[]
    expect(new Set(instances.map(({ pid }) => pid))).toEqual(new Set(servers.map(({ pid }) => pid)))
    const asked = instances.find(({ pid }) => pid === first?.pid)
    expect(asked).toMatchObject({ sockets: 1, roomsTracked: 1 })
    const latencies = body.latencies as OfInstance<{ sendToAck: { count: number; p50Ms: number } }>[]
    const sends = latencies.find(({ instance }) => instance === asked?.id)?.report.sendToAck
    expect(sends?.count).toBe(1)
    expect(sends?.p50Ms).toBeGreaterThan(0)
    nora.close()
  })

  if (canRunTwo)
    it.each([
      ['hangs', (server: RunningServer) => server.signal('SIGSTOP')],
      ['was killed', (server: RunningServer) => server.kill()],
    ])('tells in time of those that answer, and which one does not, when one %s', async (_how, strike) => {
      const [first, second, third] = servers
      if (third === undefined) throw new Error('three were started')
      const all = [first?.pid, second?.pid, third.pid]
      const before = await vi.waitFor(async () => {
        const body = await overview(first)
        expect(pidsOf(body)).toEqual(all.sort())
        return body
      }, HEARTBEATS)
      expect(before).toMatchObject({ partial: false, missing: [] })
      await strike(third)
      try {
        const startedMs = performance.now()
        const body = await overview(first)
        expect(performance.now() - startedMs).toBeLessThan(BUDGET_MS)
        expect(pidsOf(body)).toEqual([first?.pid, second?.pid].sort())
        const lost = (before.instances as Instance[]).find(({ pid }) => pid === third.pid)
        expect(body).toMatchObject({ partial: true, missing: [{ id: lost?.id, pid: third.pid }] })
      } finally {
        third.signal('SIGCONT')
      }
    })

  it('is closed to users', async () => {
    const nora = await Person.signUp(servers[0]?.url ?? '', 'Nora')
    const answer = await nora.http('GET', '/admin/overview')
    expect(answer.status).toBe(401)
  })

  it('counts the requests to the cache of live sessions in /metrics', async () => {
    const { body } = await request(servers[0]?.url ?? '', 'GET', '/metrics')
    expect(body.text).toMatch(/parley_cache_requests_total\{cache="sessions",tier="memory",result="hit"\} \d/)
  })
})
