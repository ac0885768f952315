import type { Fault } from '../fault.js'

export const sentTwice: Fault = {
  name: 'C3',
  title: 'every message is sent twice, at the same moment, to two instances',
  workload: { sendsTwice: true },
  outOfScope: { L5: 'of a message that was sent twice nobody can tell which instance wrote it' },
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'send everything twice', target: 'clients' },
  ],
  start: ({ doubled }) => ({
    inject: async () => undefined,
    checks: async () => [
      {
        name: 'both instances answer with the same message',
        checked: doubled.both,
        violations: doubled.differing,
        seen: `${doubled.both} messages to which both said yes`,
      },
    ],
  }),
}
