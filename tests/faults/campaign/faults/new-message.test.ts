import { expect, it } from 'vitest'
import { isStoredBy, messageIn } from './new-message.js'

const ROOM = '01a215e3-6111-7782-8f47-1aaee2d75144'
const OTHER = '01a215e3-608a-75c2-bd52-1b5140265a99'
const CANARY = `${ROOM}:${OTHER}:4`

it('finds the new message that a chunk is to store, and no edited one', () => {
  expect(messageIn(Buffer.from(`bound {"canary-${OTHER}:u:1 +edit","canary-${CANARY}"}`))).toBe(CANARY)
  expect(messageIn(Buffer.from(`bound canary-${CANARY} +edit`))).toBeNull()
})

it.each([
  ['its room alone', `["${ROOM}"]`, true],
  ['its room among others', `["${OTHER}","${ROOM}","${OTHER}"]`, true],
  ['another room', `["${OTHER}"]`, false],
  ['no room', '[]', false],
  ['its room as a field', `[{"roomId":"${ROOM}","senderId":"${OTHER}"}]`, false],
])('takes an answer of %s for what it says', (_, answer, isStored) => {
  expect(isStoredBy(Buffer.from(answer), CANARY)).toBe(isStored)
})
