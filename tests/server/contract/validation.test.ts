import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { strict } from '../../../apps/server/contract/fields.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { validatorOf } from '../../../apps/server/contract/validation.js'

const ROOM = '0198c0de-0000-7000-8000-000000000001'

const operation = (id: string) => {
  const found = OPERATIONS.find((each) => each.id === id)
  if (found === undefined) throw new Error(`there is no operation ${id}`)
  return found
}

const detailsOf = (id: string, value: unknown) => {
  const result = operation(id).validate(value)
  return !result.ok && result.refusal.code === 'VALIDATION_FAILED' ? result.refusal.details : []
}

const send = { roomId: ROOM, clientMessageId: 'm-1', text: 'Good morning' }

describe('OPERATIONS', () => {
  it('names each operation, route and event once', () => {
    const unique = (names: readonly string[]) => expect(new Set(names).size).toBe(names.length)
    unique(OPERATIONS.map(({ id }) => id))
    unique(OPERATIONS.flatMap(({ http }) => (http === undefined ? [] : [`${http.method} ${http.path}`])))
    unique(OPERATIONS.flatMap(({ event }) => (event === undefined ? [] : [event])))
  })

  it('can each be reached, and take each parameter of their path as a required field', () => {
    for (const { id, http, event, input } of OPERATIONS) {
      expect(http ?? event, id).toBeDefined()
      const fields =
        http?.path.match(/:\w+/g)?.map((name) => (name === ':id' ? http.id : name.slice(1))) ?? []
      for (const field of fields) expect(input.required, id).toContain(field)
    }
  })

  it.each(OPERATIONS.map(({ id }) => id))(
    '%s refuses unknown fields and other shapes than an object',
    (id) => {
      expect(detailsOf(id, { surprise: 1 })).toContainEqual({
        path: 'surprise',
        message: 'is not a field of this request',
      })
      for (const other of [undefined, null, [], 'text', 7])
        expect(operation(id).validate(other).ok).toBe(false)
    },
  )
})

describe('a request', () => {
  it('that matches its schema is taken as it is', () => {
    expect(operation('sendMessage').validate(send)).toEqual({ ok: true, value: send })
  })

  it.each(['senderId', 'seq', 'createdAt', 'role', 'aiApproved'])(
    'refuses %s from a client (input C12)',
    (name) => {
      expect(detailsOf('sendMessage', { ...send, [name]: 'x' })).toEqual([
        { path: name, message: 'is not a field of this request' },
      ])
    },
  )

  it.each(['{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"admin":true}}}'])(
    'refuses %s and leaves the prototype alone (input D4)',
    (json) => {
      expect(operation('createRoom').validate({ name: 'A', ...JSON.parse(json) }).ok).toBe(false)
      expect(detailsOf('createRoom', JSON.parse(json)).length).toBeGreaterThan(0)
      expect(({} as Record<string, unknown>).admin).toBeUndefined()
    },
  )

  it.each([
    ['a number', 5],
    ['NaN', Number.NaN],
    ['NUL', 'a\u0000b'],
    ['a lone surrogate', 'a\ud800b'],
    ['an object', { $gt: '' }],
    ['a list', ['a']],
    ['null', null],
    ['nothing', ''],
    ['8,001 characters', 'x'.repeat(8_001)],
  ])('refuses %s for a text (input D8)', (_kind, text) => {
    expect(detailsOf('sendMessage', { ...send, text }).map(({ path }) => path)).toEqual(['text'])
  })

  it('is refused for what cannot be stored, however deep it lies', () => {
    const Person = Type.Object({ names: Type.Array(Type.String()) })
    const validate = validatorOf(strict({ note: Type.String(), person: Person }))
    const pathOf = (note: string, name: string) => {
      const result = validate({ note, person: { names: ['Ada', name] } })
      return !result.ok && result.refusal.code === 'VALIDATION_FAILED'
        ? result.refusal.details[0]?.path
        : null
    }
    expect(pathOf('a note', 'Max')).toBeNull()
    expect(pathOf('a\0note', 'Max')).toBe('note')
    expect(pathOf('a note', 'M\ud800x')).toBe('person.names.1')
  })

  it('counts a text in code points', () => {
    expect(operation('sendMessage').validate({ ...send, text: '😀'.repeat(8_000) }).ok).toBe(true)
    expect(operation('sendMessage').validate({ ...send, text: '😀'.repeat(8_001) }).ok).toBe(false)
  })

  it.each([-1, 0, 201, 1e9, 1.5, '10', Number.POSITIVE_INFINITY])(
    'refuses the limit %s (input D14)',
    (limit) => {
      expect(detailsOf('listMessages', { roomId: ROOM, limit }).map(({ path }) => path)).toContain('limit')
    },
  )

  it('refuses ids and client ids of another shape (input D16)', () => {
    const ids = ['', 'x', `${ROOM} `, ROOM.toUpperCase().replaceAll('0', 'A'), '1'.repeat(50_000)]
    for (const roomId of ids) expect(detailsOf('getRoom', { roomId })).toHaveLength(1)
    for (const clientMessageId of ['', 'a b', 'é', 'x'.repeat(65), 'x'.repeat(50_000)])
      expect(detailsOf('sendMessage', { ...send, clientMessageId })).toHaveLength(1)
  })

  it('tells at most ten mistakes, and short names of unknown fields only', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]))
    expect(detailsOf('getProfile', many).length).toBeLessThanOrEqual(10)
    const [detail] = detailsOf('getProfile', { ['y'.repeat(10_000)]: 1 })
    expect(detail?.path.length).toBeLessThanOrEqual(100)
  })

  it('is judged quickly, however deep or wide it is (input D2, input D3)', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`) as unknown
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]))
    for (const value of [deep, wide, { ...send, text: deep }, { ...send, text: wide }]) {
      const started = performance.now()
      expect(operation('sendMessage').validate(value).ok).toBe(false)
      expect(performance.now() - started).toBeLessThan(1_000)
    }
  })
})
