import type { Fault } from '../fault.js'

/** That both get the same id and seq is judged by the checker (a client id is answered one way only). */
export const sentTwice: Fault = {
  name: 'C3',
  title: 'every message is sent twice, at the same moment, to two instances',
  workload: { sendsTwice: true },
  outOfScope: { L5: 'of a message that was sent twice nobody can tell which instance wrote it' },
  schedule: (_draw, { seconds }) => [
    { atMs: 0, forMs: seconds * 1_000, act: 'send everything twice', target: 'clients' },
  ],
  start: () => ({ inject: async () => undefined }),
}
