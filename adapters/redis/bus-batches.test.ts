import { expect, it } from 'vitest'
import { claimsToBeOf, pack, unpack } from './bus-batches.js'

const batch = { origin: 'one', messages: [['topic', 'a "text" with: a colon']] as const }
const sign = () => 'signature'

it('packs what unpacks as it was, if the signature is genuine', () => {
  const payload = pack(batch, sign)
  const isGenuine = (signature: string) => signature === 'signature'
  expect(unpack(payload, isGenuine)).toEqual(batch)
  expect(unpack(payload, () => false)).toBeNull()
})

it('tells whose a batch says to be, without its signature', () => {
  for (const payload of [pack(batch, sign), pack(batch, () => '')]) {
    expect(claimsToBeOf('one', payload)).toBe(true)
    expect(claimsToBeOf('on', payload)).toBe(false)
    expect(claimsToBeOf('two', payload)).toBe(false)
  }
  expect(claimsToBeOf('one', '')).toBe(false)
})
