import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../../apps/server/contract/operation.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { type Instances, startInstances } from '../../support/instances.js'
import { expectOk, Person, request } from '../../support/person.js'
import { operation, overHttp, overSocket, pathFields, RawJson, sampleOf, takesQuery } from './calls.js'
import { send } from './raw-http.js'
import { RawSocket } from './raw-socket.js'
import { clientId, RoomUnderWatch } from './room-under-watch.js'

const ADMIN_TOKEN = 'operator-84d1b6f0c7a2450e9d3e2f71'

let target: Instances
let url: string
let room: RoomUnderWatch
let raw: RawSocket

beforeAll(async () => {
  target = await startInstances(1, { PARLEY_ADMIN_TOKEN: ADMIN_TOKEN })
  url = target.urls[0] ?? ''
  room = await RoomUnderWatch.open(target)
  raw = await RawSocket.signedIn(url, room.owner.accessToken)
})
afterAll(async () => {
  raw?.destroy()
  room?.close()
  await target?.stop()
})

/** Values that no field takes whose schema is of this kind. */
const NEVER: Readonly<Record<string, readonly unknown[]>> = {
  string: [null, 5, true, {}, [], ['a'], '', 'a\0b', '\ud800', 'x\udc00', 'x'.repeat(40_000)],
  integer: [null, '5', true, {}, [], -1, 1.5, 2 ** 53, new RawJson('1e309'), new RawJson('-1e309'), 'NaN'],
  boolean: [null, 'true', 1, 0, {}, []],
  enum: [null, 5, true, {}, [], '', 'nonsense', 'a\0b', '\ud800', '__proto__'],
}
/** The same where every value is a text: what a path or a query can bring. */
const NEVER_AS_TEXT: Readonly<Record<string, readonly unknown[]>> = {
  string: ['', 'a\0b', new RawJson('%00'), 'x'.repeat(5_000)],
  integer: [
    '',
    'NaN',
    'null',
    '-1',
    '1.5',
    '1e3',
    '1e309',
    '0x10',
    ' 5',
    '5 ',
    '5a',
    '٥',
    '9'.repeat(17),
    '9007199254740993',
  ],
  boolean: ['', 'true'],
  enum: ['', 'nonsense'],
}

function kindOf({ input }: Operation, field: string): string {
  const schema = input.properties[field] as { type?: string; enum?: unknown }
  return schema.enum === undefined ? String(schema.type) : 'enum'
}

const tokenFor = ({ auth }: Operation) => (auth === 'admin' ? ADMIN_TOKEN : room.owner.accessToken)

/** Every field of every operation with every value that it may never have. */
function attempts(transport: 'http' | 'socket'): { called: Operation; field: string; value: unknown }[] {
  return OPERATIONS.filter(
    (called) => (transport === 'http' ? called.http : called.event) !== undefined,
  ).flatMap((called) =>
    Object.keys(called.input.properties).flatMap((field) => {
      const isText = transport === 'http' && (takesQuery(called) || pathFields(called).includes(field))
      const values = (isText ? NEVER_AS_TEXT : NEVER)[kindOf(called, field)] ?? []
      return values.map((value) => ({ called, field, value }))
    }),
  )
}

describe('a value of the wrong type or range, or that cannot be stored', () => {
  it('input D8: is refused in every field of every route, with 400 and the name of the field', async () => {
    const all = attempts('http')
    expect(all.length).toBeGreaterThan(500)
    await room.unharmedBy(async () => {
      const wrong: unknown[] = []
      const try_ = async ({ called, field, value }: (typeof all)[number]) => {
        const fields = { ...sampleOf(called, room.roomId), [field]: value }
        const { status, code, paths } = await overHttp(url, called, fields, tokenFor(called))
        const inPath = pathFields(called).includes(field)
        // An empty or endless part of a path is another path.
        const isElsewhere = inPath && status === 404 && (value === '' || String(value).length > 300)
        const isRefused = status === 400 && code === 'VALIDATION_FAILED' && (inPath || paths.includes(field))
        if (!isRefused && !isElsewhere) wrong.push([called.id, field, value, status, code, paths])
      }
      for (let next = 0; next < all.length; next += 20)
        await Promise.all(all.slice(next, next + 20).map(try_))
      expect(wrong).toEqual([])
    })
  })

  it('input D8: is refused in every field of every event, with the name of the field', async () => {
    const all = attempts('socket')
    expect(all.length).toBeGreaterThan(300)
    await room.unharmedBy(async () => {
      const wrong: unknown[] = []
      for (const { called, field, value } of all) {
        const fields = { ...sampleOf(called, room.roomId), [field]: value }
        const { code, paths } = await overSocket(raw, called.event ?? '', fields)
        if (code !== 'VALIDATION_FAILED' || !paths.includes(field))
          wrong.push([called.id, field, value, code, paths])
      }
      expect(wrong).toEqual([])
    })
  })

  it('input D8: is refused where JSON has no such value at all, and where the body is no object', async () => {
    const { accessToken: token } = room.owner
    const path = `/api/v1/rooms/${room.roomId}/messages`
    const bodies = [
      'NaN',
      '{"text":NaN}',
      '{"text":undefined}',
      '{"text":Infinity}',
      "{'text':'x'}",
      '{',
      '"x"',
      '5',
      'null',
      '[]',
      '[{}]',
      '{}{}',
      '\ufeff{}',
      '{"text":"\u0000"}',
    ]
    await room.unharmedBy(async () => {
      for (const body of bodies) {
        const answer = await send(url, 'POST', path, { token, body })
        expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'VALIDATION_FAILED'])
      }
      for (const payload of ['5', 'null', '"x"', '[]', '[{}]', 'true'])
        expect(await overSocket(raw, 'message:send', new RawJson(payload))).toMatchObject({
          code: 'VALIDATION_FAILED',
        })
    })
  })
})

describe('a name', () => {
  const disguised = [
    'Ola\u202Ealo',
    'O\u200Bla',
    'O\uFEFFla',
    'O\u2066la\u2069',
    'Ol\u00ADa',
    'O\u2028la',
    'O\rla',
    'O\nla',
    'O\tla',
    'O\u0085la',
    'Ola\u200D',
    '\u200C',
    ' \u200B ',
    '   ',
  ]

  it('input D8 and D18: with direction marks, invisible characters or line breaks is refused wherever names are given', async () => {
    const { accessToken: token } = room.owner
    await room.unharmedBy(async () => {
      for (const name of disguised) {
        const email = 'disguised@example.org'
        const made = [
          await send(url, 'POST', '/api/v1/auth/sign-up', {
            body: { email, password: 'a quiet sentence', displayName: name },
          }),
          await send(url, 'PATCH', '/api/v1/me', { token, body: { displayName: name } }),
          await send(url, 'POST', '/api/v1/rooms', { token, body: { name } }),
          await send(url, 'PATCH', `/api/v1/rooms/${room.roomId}`, { token, body: { name } }),
        ]
        expect([name, ...made.map(({ status }) => status)]).toEqual([name, 400, 400, 400, 400])
      }
    })
  })

  it('input D8: is kept in NFC, with joiners between letters and within emoji', async () => {
    const names = {
      'Zoe\u0308': 'Zoë',
      'می\u200Cخواهم': 'می\u200Cخواهم',
      '👩\u200D👧': '👩\u200D👧',
      '  Kim  ': 'Kim',
    }
    for (const [given, kept] of Object.entries(names)) {
      const made = await room.owner.http('POST', '/rooms', { name: given })
      expect(made.body.room).toMatchObject({ name: kept })
      const [row] =
        await target.sql`select name from rooms where id = ${(made.body.room as { id: string }).id}`
      expect(row?.name).toBe(kept)
    }
  })

  it('input D16: or a client id of more than its length is refused, at one too many as at 1 MB', async () => {
    const { accessToken: token } = room.owner
    const called = { createRoom: operation('createRoom'), sendMessage: operation('sendMessage') }
    await room.unharmedBy(async () => {
      for (const [length, status] of [
        [101, 400],
        [60_000, 400],
        [1_048_576, 413],
      ] as const) {
        const name = { ...sampleOf(called.createRoom, room.roomId), name: 'n'.repeat(length) }
        expect((await overHttp(url, called.createRoom, name, token)).status).toBe(status)
        const own = { ...sampleOf(called.sendMessage, room.roomId), clientMessageId: 'c'.repeat(length) }
        expect((await overHttp(url, called.sendMessage, own, token)).status).toBe(status)
        const made = { ...sampleOf(called.createRoom, room.roomId), clientId: 'c'.repeat(length) }
        expect((await overHttp(url, called.createRoom, made, token)).status).toBe(status)
        if (length < 65_536)
          expect(await overSocket(raw, 'message:send', own)).toMatchObject({ code: 'VALIDATION_FAILED' })
      }
    })
    const fits = await room.owner.http('POST', '/rooms', { name: '😀'.repeat(100), clientId: 'c'.repeat(64) })
    expect(fits.status).toBe(201)
  })

  it('input D18: in a path with line breaks adds no header to the answer', async () => {
    for (const path of [
      '/api/v1/x%0d%0aX-Injected:%20yes',
      '/api/v1/invitations/a%0d%0aX-Injected:%20yes/accept',
      '/docs%0d%0aX-Injected:%20yes',
    ]) {
      const answer = await send(url, 'GET', path, { token: room.owner.accessToken })
      expect(Object.keys(answer.headers)).not.toContain('x-injected')
      expect(answer.status).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('a prototype', () => {
  it('input D4: in a body, a query or an event is refused and changes nothing for anybody', async () => {
    const { accessToken: token } = room.owner
    const poison = '{"mediation":"off","sendAnyway":false,"limit":1,"kind":"direct","x":"polluted"}'
    const bodies = [
      `{"name":"Poison","__proto__":${poison}}`,
      `{"name":"Poison","constructor":{"prototype":${poison}}}`,
      `{"name":"Poison","\\u005f_proto__":${poison}}`,
      `{"__proto__":{"name":"Poison"}}`,
      `{"name":{"__proto__":${poison}}}`,
      `{"name":"Poison","constructor.prototype.mediation":"off"}`,
    ]
    await room.unharmedBy(async () => {
      for (const body of bodies) {
        const answer = await send(url, 'POST', '/api/v1/rooms', { token, body })
        expect([body, answer.status]).toEqual([body, 400])
        const payload = body.replace(
          '"name":"Poison"',
          `"roomId":"${room.roomId}","clientMessageId":"${clientId()}","text":"Poison"`,
        )
        expect(await overSocket(raw, 'message:send', new RawJson(payload))).toMatchObject({
          code: 'VALIDATION_FAILED',
        })
      }
      for (const query of [
        '__proto__[mediation]=off',
        '__proto__.mediation=off',
        '__proto__=off',
        'constructor[prototype][mediation]=off',
        'constructor.prototype.mediation=off',
        'limit=5&__proto__=x',
        'hasOwnProperty=x',
        'toString=x',
      ])
        expect([query, (await send(url, 'GET', `/api/v1/rooms?${query}`, { token })).status]).toEqual([
          query,
          400,
        ])
    })
    // What a polluted prototype would lend to every input that leaves these fields out.
    const made = await room.owner.http('POST', '/rooms', { name: 'Clean' })
    expect(made.body.room).toMatchObject({ mediation: 'hold', sendAnyway: true, kind: 'group' })
    expect(JSON.stringify(made.body)).not.toContain('polluted')
  })

  it('input D4: as a name or an id of a client is a text like any other', async () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf']) {
      const sent = await expectOk(room.send(`about ${name}`, { clientMessageId: name }))
      const again = await expectOk(room.send(`about ${name}`, { clientMessageId: name }))
      expect(again.message).toEqual(sent.message)
      expect(sent.message).toMatchObject({ clientMessageId: name, reactions: {}, text: `about ${name}` })
      const made = await room.owner.http('POST', '/rooms', { name, clientId: name })
      expect(made.body.room).toMatchObject({ name })
      const { id } = sent.message as { id: string }
      const reacted = await room.owner.http('PUT', `/messages/${id}/reactions/${name}`, {})
      expect([name, reacted.status]).toEqual([name, 400])
    }
    const called = await Person.signUp(url, 'constructor')
    expect((await request(url, 'GET', '/api/v1/me', { token: called.accessToken })).body.user).toMatchObject({
      displayName: 'constructor',
    })
  })
})
