import { v7 as uuidv7 } from 'uuid'
import { describe, expect, it } from 'vitest'
import type { Json, Person } from '../../support/person.js'
import { BINDINGS, type Binding, callBinding } from './calling.js'
import { makeScene, type Scene } from './cast.js'
import { casesOf } from './role-table.js'
import { suiteServer } from './suite-server.js'

const suite = suiteServer()

/** Operations on something in a room, but for the one that answers everybody alike because it only ends what one gets. */
const INTO_ROOMS = BINDINGS.filter(
  ({ operation: { id, input } }) =>
    id !== 'leaveRoom' && ('roomId' in input.properties || 'messageId' in input.properties),
)

const BEYOND_ANY_HEAD = 9_007_199_254_740_991

/** The same call for a room, or a message, that does not exist. */
const elsewhere = (input: Json): Json => ({
  ...input,
  ...('roomId' in input ? { roomId: uuidv7() } : { messageId: uuidv7() }),
})

/** Inputs that a member may be refused for; whoever does not see the room must not be told even that. */
const variants = (binding: Binding, input: Json): readonly Json[] => [
  input,
  ...(['minSeq', 'since', 'seq', 'before', 'after'] as const)
    .filter((name) => name in binding.operation.input.properties)
    .map((name) => ({ ...input, [name]: BEYOND_ANY_HEAD })),
  ...(['threadId', 'replyTo', 'userId'] as const)
    .filter((name) => name in binding.operation.input.properties)
    .map((name) => ({ ...input, [name]: uuidv7() })),
]

async function expectAlike(binding: Binding, scene: Scene, caller: Person): Promise<void> {
  for (const testCase of casesOf(binding.operation.id)) {
    const given = await testCase.input(scene, 'non-member')
    for (const input of variants(binding, given)) {
      const there = await callBinding(binding, scene.url, caller, input)
      const nowhere = await callBinding(binding, scene.url, caller, elsewhere(input))
      expect(there.answer, JSON.stringify(input)).toEqual(nowhere.answer)
      expect(there.outcome, JSON.stringify(input)).toBe('NOT_FOUND')
    }
  }
}

describe.each(INTO_ROOMS)('$operation.id ($label)', (binding) => {
  it('tells a non-member of a room nothing that it would not tell of a room that does not exist', async () => {
    await expectAlike(binding, suite().shared, suite().cast['non-member'])
  })

  it('tells a former member nothing that it would not tell of a room that does not exist', async () => {
    await expectAlike(binding, suite().shared, suite().cast['former member'])
  })
})

it('finds operations on rooms to compare', () => {
  expect(INTO_ROOMS.length).toBeGreaterThan(30)
})

it('answers leaving a room over a socket alike, whether or not the room exists', async () => {
  const binding = BINDINGS.find(({ operation }) => operation.id === 'leaveRoom')
  if (binding === undefined) throw new Error('there is no such operation')
  const { url, cast, shared } = suite()
  const there = await callBinding(binding, url, cast['non-member'], { roomId: shared.roomId })
  const nowhere = await callBinding(binding, url, cast['non-member'], { roomId: uuidv7() })
  expect(there.answer).toEqual(nowhere.answer)
})

it('lists to a non-member and to a former member no room that they are not in', async () => {
  const { cast } = suite()
  const { roomId } = await makeScene(cast)
  for (const person of [cast['non-member'], cast['former member']]) {
    const { body } = await person.http('GET', '/rooms?limit=200')
    expect(JSON.stringify(body)).not.toContain(roomId)
  }
})
