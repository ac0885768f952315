import { expect, it } from 'vitest'
import { judgeFills } from './r20-late-fills.js'

it('asks for a late fill that somebody had to refuse', () => {
  expect(judgeFills(40, 3)).toMatchObject({ checked: 40, violations: [] })
  expect(judgeFills(40, 0).violations).toHaveLength(1)
})
