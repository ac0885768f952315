import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../contracts/eventually.js'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, type Json, Person, request } from '../support/person.js'
import { asManyAs, canRunTwo } from '../support/server-mode.js'
import { type RunningServer, startServer } from '../support/server-process.js'

const ADMIN = 'a-token-of-the-administrator'
const DEFAULTS = { sessionMs: 300_000, memberMs: 300_000, messagesMs: 120_000 }
const NOTHING = { sessionMs: null, memberMs: null, messagesMs: null }

describe('/admin/settings', () => {
  let instances: Instances
  let first: RunningServer
  /** Embedded, the same one. */
  let second: RunningServer

  beforeAll(async () => {
    instances = await startInstances(asManyAs(2), { PARLEY_ADMIN_TOKEN: ADMIN })
    const [one, two = one] = instances.servers
    if (one === undefined || two === undefined) throw new Error('one server runs')
    ;[first, second] = [one, two]
  })

  afterAll(() => instances?.stop())

  const ask = ({ url }: RunningServer, method: string, body?: Json, token: string | undefined = ADMIN) =>
    request(url, method, '/api/v1/admin/settings', {
      ...(token === '' ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    })
  const get = async (server: RunningServer) => {
    const { status, body } = await ask(server, 'GET')
    expect(status).toBe(200)
    return body
  }
  const change = async (server: RunningServer, lifetimes: Json) => {
    const { status, body } = await ask(server, 'PATCH', { lifetimes })
    expect(status).toBe(200)
    return body
  }

  beforeEach(async () => {
    expect(await change(first, NOTHING)).toEqual({ lifetimes: DEFAULTS })
  })

  it('shows on one instance what was changed on another, and keeps it over a restart', async () => {
    const changed = { lifetimes: { ...DEFAULTS, messagesMs: 60_000 } }
    expect(await change(first, { messagesMs: 60_000 })).toEqual(changed)
    expect(await get(second)).toEqual(changed)
    await second.stop()
    second = await startServer(instances.variables)
    instances.servers.push(second)
    if (!canRunTwo) first = second
    expect(await get(second)).toEqual(changed)
    expect(await change(second, { messagesMs: null })).toEqual({ lifetimes: DEFAULTS })
    expect(await get(first)).toEqual({ lifetimes: DEFAULTS })
  })

  it('is used by the caches of every instance, without being asked for there', async () => {
    const nora = await Person.signUp(second.url, 'Nora')
    const roomId = await nora.createRoom()
    const socket = await nora.connect()
    await expectOk(call(socket, 'room:join', { roomId }))
    const say = (text: string) =>
      expectOk(call(socket, 'message:send', { roomId, clientMessageId: text, text }))

    await say('before')
    expect(await isForgottenIn(second, nora, roomId, 1_500)).toBe(false)
    await change(first, { messagesMs: 1_000 })
    let times = 0
    await eventually(
      'the new lifetime',
      async () => {
        times += 1
        // What is cached has its lifetime already; after this it is cached anew.
        await say(`after-${times}`)
        return isForgottenIn(second, nora, roomId, 1_500)
      },
      20_000,
    )
    nora.close()
  })

  /** Whether the newest page is asked of the store again so long after it was. */
  async function isForgottenIn(server: RunningServer, reader: Person, roomId: string, afterMs: number) {
    const read = async () => {
      expect((await reader.http('GET', `/rooms/${roomId}/messages`)).status).toBe(200)
    }
    await read()
    const before = await missesOf(server)
    await sleep(afterMs)
    await read()
    return (await missesOf(server)) > before
  }

  async function missesOf({ url }: RunningServer): Promise<number> {
    const { body } = await request(url, 'GET', '/metrics')
    const lines = String(body.text).matchAll(
      /^parley_cache_requests_total\{[^}]*tier="memory"[^}]*result="miss"[^}]*\} (\d+)/gm,
    )
    const counts = Array.from(lines, ([, count]) => Number(count))
    expect(counts.length).toBeGreaterThan(0)
    return counts.reduce((sum, count) => sum + count, 0)
  }

  it.each([
    ['a name that it does not know', { lifetimes: { verdictMs: 5_000 } }, 'lifetimes.verdictMs'],
    [
      'a prototype (input D4)',
      JSON.parse('{ "lifetimes": { "constructor": 5000 } }'),
      'lifetimes.constructor',
    ],
    ['less than a second', { lifetimes: { messagesMs: 999 } }, 'lifetimes.messagesMs'],
    ['more than a day', { lifetimes: { messagesMs: 86_400_001 } }, 'lifetimes.messagesMs'],
    ['a fraction', { lifetimes: { messagesMs: 5_000.5 } }, 'lifetimes.messagesMs'],
    ['a text (input D8)', { lifetimes: { messagesMs: '5000' } }, 'lifetimes.messagesMs'],
    ['a list', { lifetimes: [] }, 'lifetimes'],
    ['nothing at all', {}, 'lifetimes'],
    ['another field (input C12)', { lifetimes: {}, version: 1 }, 'version'],
  ])('refuses %s, naming it once, and changes nothing', async (_, body, path) => {
    const answer = await ask(first, 'PATCH', body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ path }] })
    expect(answer.body.details).toHaveLength(1)
    expect(await get(first)).toEqual({ lifetimes: DEFAULTS })
  })

  it('is closed to whoever does not have the token', async () => {
    const nora = await Person.signUp(first.url, 'Nora')
    for (const token of ['', `${ADMIN}x`, nora.accessToken])
      for (const [method, body] of [['GET'], ['PATCH', { lifetimes: { messagesMs: 5_000 } }]] as const) {
        const answer = await ask(first, method, body, token)
        expect([answer.status, answer.body.code]).toEqual([401, 'UNAUTHENTICATED'])
      }
    expect(await get(first)).toEqual({ lifetimes: DEFAULTS })
  })

  it('is not there without a token for administrators', async () => {
    const others = await startInstances(1)
    try {
      for (const [method, body] of [['GET'], ['PATCH', { lifetimes: {} }]] as const)
        for (const server of others.servers) expect((await ask(server, method, body)).status).toBe(404)
    } finally {
      await others.stop()
    }
  })
})
