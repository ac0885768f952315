import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import { call, type Json, request } from '../../support/person.js'
import { BINDINGS, type Binding, callBinding, socketOf } from '../roles/calling.js'
import { ADMIN_TOKEN, done, makeScene, type Scene } from '../roles/cast.js'
import { casesOf } from '../roles/role-table.js'
import { suiteServer } from '../roles/suite-server.js'

const suite = suiteServer()

/** What a client may never say of what it asks for; those that a request really has are left out for it. */
const EXTRA: Json = {
  senderId: uuidv7(),
  seq: 1,
  createdAt: '2020-01-01T00:00:00.000Z',
  role: 'owner',
  aiApproved: true,
  id: uuidv7(),
  userId: uuidv7(),
  loginId: null,
  isAdmin: true,
  deliveredUnder: 'clear',
  mediated: false,
  headSeq: 99,
  readSeq: 99,
  editedAt: null,
}

const extrasOf = ({ operation: { input, http } }: Binding): readonly string[] =>
  Object.keys(EXTRA).filter(
    (name) => !(name in input.properties) && !(name === 'id' && http?.path.includes(':id')),
  )

const callWith = (binding: Binding, { url, cast }: Scene, input: Json) => {
  const isAdministration = binding.operation.auth === 'admin'
  const caller = isAdministration
    ? Object.assign(Object.create(cast.owner) as typeof cast.owner, { accessToken: ADMIN_TOKEN })
    : cast.owner
  return callBinding(binding, url, caller, input)
}

type Refused = { readonly code?: string; readonly details?: readonly { readonly path: string }[] }

const refusalIn = (binding: Binding, answer: unknown): Refused => {
  const { body, error } = answer as { body?: Refused; error?: Refused }
  return (binding.transport === 'http' ? body : error) ?? {}
}

describe.each(BINDINGS)('$operation.id ($label)', (binding) => {
  it('refuses each field that it does not have, naming it, and changes nothing (input C12)', async () => {
    const { shared } = suite()
    const [testCase] = casesOf(binding.operation.id)
    if (testCase === undefined) throw new Error('the role table has no such operation')
    const input = await testCase.input(shared, 'owner')
    const before = await stateOf(shared)
    const extras = extrasOf(binding)
    expect(extras.length).toBeGreaterThan(8)
    for (const name of extras) {
      const { outcome, answer } = await callWith(binding, shared, { ...input, [name]: EXTRA[name] })
      expect(outcome, name).toBe('VALIDATION_FAILED')
      expect(refusalIn(binding, answer).details, name).toEqual([
        { path: name, message: 'is not a field of this request' },
      ])
    }
    expect(await stateOf(shared)).toEqual(before)
  })
})

async function stateOf({ cast: { owner }, roomId }: Scene): Promise<Json> {
  const paths = [`/rooms/${roomId}`, `/rooms/${roomId}/members`, '/me', '/rooms?limit=200']
  const [seen, { sessions }] = await Promise.all([
    Promise.all(paths.map((path) => done(owner, 'GET', path))),
    done(owner, 'GET', '/auth/sessions'),
  ])
  return { seen, sessions: (sessions as readonly { id: string }[]).map(({ id }) => id) }
}

describe('a request over HTTP', () => {
  const inBody = BINDINGS.filter(({ operation }) =>
    ['POST', 'PUT', 'PATCH'].includes(operation.http?.method ?? ''),
  )
  const inQuery = BINDINGS.filter(({ operation }) => ['GET', 'DELETE'].includes(operation.http?.method ?? ''))

  it('takes no field from the part that its method does not use (input C12)', async () => {
    const { url, cast, shared } = suite()
    const path = `/api/v1/rooms/${shared.roomId}/messages`
    const token = cast.owner.accessToken
    expect([inBody.length > 15, inQuery.length > 10]).toEqual([true, true])
    const body = { clientMessageId: 'in-the-query', text: 'Hello.' }
    const sent = await request(url, 'POST', `${path}?senderId=${cast.member.userId}`, { token, body })
    expect([sent.status, sent.body.code]).toEqual([400, 'VALIDATION_FAILED'])
    const deleted = await request(url, 'DELETE', `/api/v1/messages/${shared.messages.member}`, {
      token,
      body: { role: 'owner' },
    })
    expect([deleted.status, deleted.body.code]).toEqual([400, 'VALIDATION_FAILED'])
  })

  it('cannot replace what its path names (input C12)', async () => {
    const { url, cast } = suite()
    const [here, there] = [await makeScene(cast), await makeScene(cast)]
    const before = await Promise.all([here, there].map(stateOf))
    const token = cast.owner.accessToken
    const attempts = [
      ['PATCH', `/rooms/${here.roomId}`, { roomId: there.roomId, name: 'Moved' }],
      ['PATCH', `/messages/${here.messages.owner}`, { messageId: there.messages.owner, text: 'Moved.' }],
      ['PATCH', `/messages/${here.messages.owner}`, { id: there.messages.owner, text: 'Moved.' }],
      [
        'PATCH',
        `/rooms/${here.roomId}/members/${cast.member.userId}`,
        { userId: cast.bystander.userId, role: 'owner' },
      ],
    ] as const
    for (const [method, path, body] of attempts) {
      const answer = await request(url, method, `/api/v1${path}`, { token, body })
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([400, 'VALIDATION_FAILED'])
    }
    expect(await Promise.all([here, there].map(stateOf))).toEqual(before)
  })
})

describe('a message', () => {
  it('is of its sender, with the seq and the time of the server, whatever the client says (input C12)', async () => {
    const { cast, roomId } = await makeScene(suite().cast)
    const { headSeq } = await done(cast.owner, 'GET', `/rooms/${roomId}`)
    const payload = { roomId, clientMessageId: 'plain', text: 'Hello.' }
    const socket = await socketOf(cast.member)
    const before = Date.now() - 5_000
    const refused = await call(socket, 'message:send', { ...payload, ...EXTRA })
    expect(refused).toMatchObject({ ok: false, error: { code: 'VALIDATION_FAILED' } })
    const sent = await call(socket, 'message:send', payload)
    if (!sent.ok) throw new Error(sent.error.message)
    const message = sent.data.message as Json
    expect(message).toMatchObject({ senderId: cast.member.userId, seq: Number(headSeq) + 1, editedAt: null })
    expect(Date.parse(String(message.createdAt))).toBeGreaterThan(before)
  })
})
