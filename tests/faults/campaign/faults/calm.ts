import type { Fault } from '../fault.js'

/** What the others are compared with, and what the campaign itself is tried with. */
export const calm: Fault = {
  name: 'calm',
  title: 'nothing fails',
  schedule: (_draw, { seconds }) => [{ atMs: 0, forMs: seconds * 1_000, act: 'nothing', target: 'nobody' }],
  start: () => ({ inject: async () => undefined }),
}
