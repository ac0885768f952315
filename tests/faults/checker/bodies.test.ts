import { describe, expect, it } from 'vitest'
import { bodyOf, lengthened, parseBody } from './bodies.js'

describe('A text of a workload', () => {
  it('takes as many bytes as it is told to and stays the same text for the checker', () => {
    const body = bodyOf('room', 'user', 1205)
    const long = lengthened(body, 7_900)
    expect(long).toHaveLength(7_900)
    expect(parseBody(long)).toEqual(parseBody(body))
  })
})
