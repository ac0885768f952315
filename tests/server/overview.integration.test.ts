import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, request } from '../support/person.js'
import { asManyAs, canRunTwo, serverMode } from '../support/server-mode.js'
import type { RunningServer } from '../support/server-process.js'

const ADMIN = 'a-token-of-the-administrator'

type Instance = { id: string; pid: number; sockets: number; roomsTracked: number }
type OfInstance<T> = { instance: string; report: T }

describe('GET /admin/overview', () => {
  let started: Instances
  let servers: RunningServer[]

  beforeAll(async () => {
    started = await startInstances(asManyAs(2), { PARLEY_ADMIN_TOKEN: ADMIN, PARLEY_LIMIT_FACTOR: '1' })
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
    it('says so when a process does not answer in time, and answers without it', async () => {
      const [first, second] = servers
      second?.signal('SIGSTOP')
      try {
        const body = await overview(first)
        expect(body.partial).toBe(true)
        expect((body.instances as Instance[]).map(({ pid }) => pid)).toEqual([first?.pid])
      } finally {
        second?.signal('SIGCONT')
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
