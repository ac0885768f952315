import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../../apps/server/contract/operation.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { type Instances, startInstances } from '../../support/instances.js'
import { call, expectOk, type Json, Person } from '../../support/person.js'
import { overHttp, pathFields, RawJson, sampleOf, takesQuery } from './calls.js'
import { send } from './raw-http.js'
import { clientId, RoomUnderWatch } from './room-under-watch.js'

const ADMIN_TOKEN = 'operator-2b9e4c7d1f6048a3b5c8e0d9'

let target: Instances
let url: string
let room: RoomUnderWatch

beforeAll(async () => {
  target = await startInstances(1, { PARLEY_ADMIN_TOKEN: ADMIN_TOKEN, PARLEY_METRICS_TOKEN: ADMIN_TOKEN })
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
})
afterAll(async () => {
  room?.close()
  await target?.stop()
})

const textsOf = (body: Json) => (body.messages as { text: string }[]).map(({ text }) => text)

describe('SQL', () => {
  const hostile = [
    "'; drop table messages; --",
    "' or '1'='1",
    '"; delete from users; --',
    "\\'; select pg_sleep(10); --",
    '$$; drop table users; $$',
    '$1 $2 :name ? {}',
    '%',
    '_',
    '\\',
    "a' || (select password_hash from users limit 1) || 'b",
    'a:* & !b | (c <-> d)',
    '{"a":{"b":1}}',
    "E'\\\\x00'",
    '/* comment */ -- end',
  ]

  it('input D10: in texts, names, reasons, ids and searches is text, kept to the letter', async () => {
    const tables = async () =>
      (
        await target.sql`select table_name from information_schema.tables where table_schema = 'public' order by 1`
      ).map(({ table_name }) => table_name)
    const before = await tables()
    for (const text of hostile) {
      const { message } = (await expectOk(room.send(text))) as { message: { id: string; text: string } }
      expect(message.text).toBe(text)
      const [row] = await target.sql`select text from messages where id = ${message.id}`
      expect(row?.text).toBe(text)
      const made = await room.owner.http('POST', '/rooms', { name: text })
      expect(made.body.room).toMatchObject({ name: text })
      const flagged = await room.listener.http('POST', `/messages/${message.id}/flag`, { reason: text })
      expect(flagged.status).toBe(200)
      for (const path of [
        `/rooms?cursor=${encodeURIComponent(text)}`,
        `/rooms/${encodeURIComponent(text)}`,
        `/rooms/${room.roomId}/messages?before=${encodeURIComponent(text)}`,
      ])
        expect((await room.owner.http('GET', path)).status).toBe(400)
      expect(await call(room.socket, 'room:sync', { roomId: text, since: 0 })).toMatchObject({
        error: { code: 'VALIDATION_FAILED' },
      })
    }
    expect(await tables()).toEqual(before)
  })

  it('input D10: or a wildcard in a search finds what holds its words, and never everything', async () => {
    await expectOk(room.send('the budget is 100% done_well'))
    await expectOk(room.send('the budget is 100 and more'))
    const search = async (q: string) => {
      const answer = await room.owner.http('GET', `/rooms/${room.roomId}/search?q=${encodeURIComponent(q)}`)
      expect([q, answer.status]).toEqual([q, 200])
      return textsOf(answer.body)
    }
    for (const q of ['%', '_', '*', ':*', '!', '&', '|', '()', "''", '\\', '<->', '%%%', '!nothing', '!!'])
      for (const text of await search(q)) expect([q, text.includes('budget')]).toEqual([q, false])
    for (const q of ['b%', 'budg_t', 'bud*', 'bud:*', 'budget & !done', 'budget | zebra', "budget' or 'a"])
      expect([q, (await search(q)).filter((text) => text.includes('and more'))]).toEqual([q, []])
    expect(await search('budget 100')).toHaveLength(2)
  })
})

describe('a path', () => {
  it('input D12: that is written otherwise opens nothing that the plain one does not', async () => {
    const variants = (path: string) => [
      `/${path}`,
      path.replace('/api/v1/', '/api//v1/'),
      path.replace('/api/v1/', '/api/v1//'),
      `${path}/`,
      `${path};a=b`,
      `${path}%2f`,
      `${path}%20`,
      `${path}%00`,
      `${path}.json`,
      `${path}/.`,
      `${path}/..;/x`,
      path.replace('/api/', '/%61pi/'),
      path.replace('/api/', '/./api/'),
      path.replace('/api/', '/x/../api/'),
      path.replace('/api/', '/%2e%2e/api/'),
      path.replace('/api/', '/docs/%2e%2e/api/'),
      path.replace('/api/', '/docs/static/..%2f..%2fapi/'),
      path.replace('/api/v1', '/API/V1'),
      path.replaceAll('/', '\\'),
      path.replace('/api/', '/socket.io/../api/'),
    ]
    const rooms = '/api/v1/rooms'
    const admin = `/api/v1/admin/users/${room.listener.userId}`
    await room.unharmedBy(async () => {
      for (const path of [...variants(rooms), ...variants(`${rooms}/${room.roomId}`)])
        expect([path, (await send(url, 'GET', path)).status]).toEqual([
          path,
          expect.toSatisfy((status) => [400, 401, 404].includes(status)),
        ])
      for (const path of variants(admin)) {
        const answer = await send(url, 'PATCH', path, {
          token: room.owner.accessToken,
          body: { disabled: true },
        })
        expect([path, answer.status]).toEqual([
          path,
          expect.toSatisfy((status) => [400, 401, 404].includes(status)),
        ])
      }
      for (const path of [
        '//metrics',
        '/metrics/',
        '/metrics;x',
        '/%6detrics',
        '/METRICS',
        '/metrics?x',
        '/./metrics',
      ])
        expect([path, (await send(url, 'GET', path)).status]).toEqual([
          path,
          expect.toSatisfy((status) => [400, 401, 404].includes(status)),
        ])
    })
    expect((await room.listener.http('GET', '/me')).status).toBe(200)
    for (const path of [
      '/docs/static/../../package.json',
      '/docs/static/%2e%2e/%2e%2e/package.json',
      '/docs/static/..%2f..%2f..%2fpackage.json',
      '/docs/static/%5c..%5cpackage.json',
      '/../../etc/passwd',
    ])
      expect((await send(url, 'GET', path)).text).not.toMatch(/"dependencies"|root:/)
  })

  it('input D12: that is written otherwise and is taken for the plain one asks for the same token', async () => {
    const encoded = '/api/v1/%72ooms'
    expect((await send(url, 'GET', encoded)).status).toBe(401)
    expect((await send(url, 'GET', encoded, { token: 'x' })).status).toBe(401)
    expect((await send(url, 'GET', encoded, { token: room.owner.accessToken })).status).toBe(200)
  })
})

describe('a query', () => {
  const readers = OPERATIONS.filter((called) => called.http !== undefined && takesQuery(called))
  const inQuery = (called: Operation) =>
    Object.keys(called.input.properties).filter((field) => !pathFields(called).includes(field))
  const tokenFor = ({ auth }: Operation) => (auth === 'admin' ? ADMIN_TOKEN : room.owner.accessToken)

  it('input D13: that names a field twice is refused on every route', async () => {
    expect(readers.length).toBeGreaterThan(10)
    for (const called of readers) {
      const sample = sampleOf(called, room.roomId)
      for (const field of inQuery(called)) {
        const value = encodeURIComponent(String(sample[field]))
        const twice = { ...sample, [field]: new RawJson(`${value}&${field}=${value}`) }
        const { status, code } = await overHttp(url, called, twice, tokenFor(called))
        expect([called.id, field, status, code]).toEqual([called.id, field, 400, 'VALIDATION_FAILED'])
      }
    }
    for (const query of [
      `roomId=${room.roomId}`,
      'roomId[]=a',
      'since[]=0',
      'since[a]=0',
      'since=0&since[]=1',
    ])
      expect((await room.owner.http('GET', `/rooms/${room.roomId}/events?${query}`)).status).toBe(400)
  })

  it('input D13: is refused where the fields belong into the body, and a body where they belong into the query', async () => {
    const { accessToken: token } = room.owner
    const stray = await send(url, 'POST', '/api/v1/rooms?name=Stray', { token, body: { name: 'Stray' } })
    expect(stray.status).toBe(400)
    const member = `/api/v1/rooms/${room.roomId}/members/${room.listener.userId}`
    const both = await send(url, 'DELETE', member, { token, body: { userId: room.owner.userId } })
    expect(both.status).toBe(400)
    expect((await room.listener.http('GET', `/rooms/${room.roomId}`)).status).toBe(200)
    const path = `/api/v1/rooms/${room.roomId}/messages`
    const body = { roomId: room.listener.userId, clientMessageId: clientId(), text: 'Stray' }
    expect((await send(url, 'POST', path, { token, body })).status).toBe(400)
  })

  it('input D14: with a limit that is none is refused, and with the greatest is answered', async () => {
    const limited = readers.filter((called) => 'limit' in called.input.properties)
    expect(limited.length).toBeGreaterThanOrEqual(4)
    for (const called of limited) {
      const max = called.id === 'listEvents' ? 500 : 200
      for (const limit of ['-1', '0', String(max + 1), '1e9', '1000000000', '5.0', '+5', 'all', '']) {
        const { status } = await overHttp(
          url,
          called,
          { ...sampleOf(called, room.roomId), limit },
          tokenFor(called),
        )
        expect([called.id, limit, status]).toEqual([called.id, limit, 400])
      }
      const event = called.event
      if (event === undefined) continue
      for (const limit of [-1, 0, max + 1, 1e9, 1.5, '5'])
        expect(
          await call(room.socket, event, { roomId: room.roomId, since: 0, q: 'x', limit }),
        ).toMatchObject({ ok: false, error: { code: 'VALIDATION_FAILED' } })
    }
    for (const path of [
      `/rooms/${room.roomId}/messages?limit=200`,
      `/rooms/${room.roomId}/events?since=0&limit=500`,
      '/rooms?limit=200',
    ])
      expect((await room.owner.http('GET', path)).status).toBe(200)
  })

  it('input D14: with a forged cursor is refused, and with a foreign one shows nothing foreign', async () => {
    const stranger = await Person.signUp(url, 'Stranger')
    const foreign: string[] = []
    for (const name of ['one', 'two', 'three']) foreign.push(await stranger.createRoom({ name }))
    const page = await stranger.http('GET', '/rooms?limit=1')
    const cursors = [
      'x',
      '-1',
      '0',
      '999999999999999999999',
      '%00',
      '..%2f',
      'null',
      'e30%3D',
      'a'.repeat(101),
      "'%20or%201=1",
    ]
    for (const cursor of cursors)
      for (const path of ['/rooms?', `/rooms/${room.roomId}/search?q=x&`])
        expect([cursor, path, (await room.owner.http('GET', `${path}cursor=${cursor}`)).status]).toEqual([
          cursor,
          path,
          cursor === '0' || cursor === '-1' ? expect.toSatisfy((status) => [200, 400].includes(status)) : 400,
        ])
    const mine = await room.owner.http('GET', `/rooms?cursor=${page.body.nextCursor}`)
    expect(mine.status).toBe(200)
    for (const id of foreign) expect(JSON.stringify(mine.body)).not.toContain(id)
    const searched = await room.owner.http(
      'GET',
      `/rooms/${room.roomId}/search?q=x&cursor=${page.body.nextCursor}`,
    )
    expect(searched.status).toBe(400)
  })
})

describe('an id that a client made', () => {
  it('input D15: with another text is a conflict over either transport, and the first text is kept', async () => {
    const { owner, roomId } = room
    const clientMessageId = clientId()
    const { message } = await expectOk(room.send('the first text', { clientMessageId }))
    await room.unharmedBy(async () => {
      const texts = ['another text', 'the first text ', 'The first text', 'the first text\u0301']
      for (const text of texts) {
        expect(await room.send(text, { clientMessageId })).toMatchObject({ error: { code: 'CONFLICT' } })
        const answer = await owner.http('POST', `/rooms/${roomId}/messages`, { clientMessageId, text })
        expect([text, answer.status, answer.body.code]).toEqual([text, 409, 'CONFLICT'])
      }
      expect((await expectOk(room.send('the first text', { clientMessageId }))).message).toEqual(message)
    })
    const rows = await target.sql`
      select text, sender_id from messages where room_id = ${roomId} and client_message_id = ${clientMessageId}`
    expect(rows.map(({ text }) => text)).toEqual(['the first text'])
  })

  it('input D15: of another user, or in another room, is another id', async () => {
    const clientMessageId = clientId()
    const { owner, listener, roomId } = room
    const other = await owner.createRoom()
    const sends = [
      await owner.http('POST', `/rooms/${roomId}/messages`, { clientMessageId, text: 'mine' }),
      await listener.http('POST', `/rooms/${roomId}/messages`, { clientMessageId, text: 'yours' }),
      await owner.http('POST', `/rooms/${other}/messages`, { clientMessageId, text: 'elsewhere' }),
    ]
    expect(sends.map(({ status }) => status)).toEqual([201, 201, 201])
    const rows =
      await target.sql`select text from messages where client_message_id = ${clientMessageId} order by text`
    expect(rows.map(({ text }) => text)).toEqual(['elsewhere', 'mine', 'yours'])
  })

  it('input D15: of a room or an invitation with another body is a conflict, and makes nothing', async () => {
    const id = clientId()
    const made = await room.owner.http('POST', '/rooms', { name: 'First', clientId: id })
    await room.unharmedBy(async () => {
      const other = await room.owner.http('POST', '/rooms', { name: 'Second', clientId: id })
      expect(other.status).toBe(409)
      const same = await room.owner.http('POST', '/rooms', { name: 'First', clientId: id })
      expect(same.body).toEqual(made.body)
    })
    expect((await room.listener.http('POST', '/rooms', { name: 'Mine', clientId: id })).status).toBe(201)
  })
})
