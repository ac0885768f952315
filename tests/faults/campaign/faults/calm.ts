import type { Fault } from '../fault.js'

/** What the others are compared with, and what the campaign itself is tried with. */
export const calm: Fault = {
  name: 'calm',
  title: 'nothing fails',
  schedule: () => [],
  start: () => ({ inject: async () => undefined }),
}
