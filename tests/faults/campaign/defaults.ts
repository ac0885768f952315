import type { Header } from '../checker/history.js'
import type { Fault, Topology, WorkloadShape } from './fault.js'

const TOPOLOGY: Topology = {
  minProcesses: 2,
  postgresProxies: false,
  redis: null,
  variables: () => ({}),
  nodeArguments: () => [],
  diskMb: null,
  postgres: {},
}

/** For two cores that the clients share with the servers and Postgres. */
const WORKLOAD: WorkloadShape = {
  people: 20,
  spies: 3,
  rooms: { hot: 1, warm: 6, cold: 20 },
  operationsPerSecond: 60,
  isHostile: true,
  sendsTwice: false,
  transports: ['websocket'],
}

export const topologyOf = ({ topology }: Fault): Topology => ({ ...TOPOLOGY, ...topology })
export const workloadOf = ({ workload }: Fault): WorkloadShape => ({ ...WORKLOAD, ...workload })

/** Phases of a run, in ms. */
export const PHASES_MS = {
  warmUp: 5_000,
  /** Under load, after the last heal. */
  after: 6_000,
  /** For clients to be back and their outboxes to be empty: the longest backoff of a client, and what a start takes. */
  settle: 60_000,
  /** Presence after a death. */
  presence: 60_000,
  /**
   * At rest before the last looks: longer than what a push or a read without `minSeq` may lag, and than the 20 s after which
   * whoever is connected must be shown so. Sooner, presence at the end could not be judged.
   */
  rest: 22_000,
}

export type PhasesMs = Readonly<Record<keyof typeof PHASES_MS, number>>

/** What a run cannot judge. An invariant that has been checked all the same is judged. */
export const outOfScopeOf = (fault: Fault): NonNullable<Header['outOfScope']> => ({
  L12: 'whoever looks at single calls sees what the SDK repeats; N2, which users must not notice, has checks of its own',
  L16: 'no model mediates',
  ...(workloadOf(fault).isHostile ? {} : { L8: 'nobody is removed', L9: 'no login is ended' }),
  ...fault.outOfScope,
})
