export type RedisTopology = {
  /** Lines of `redis.conf`, as name and value. */
  readonly config?: Readonly<Record<string, string>>
  /** It does not run when the servers start. */
  readonly isAbsent?: boolean
}

export type Topology = {
  /** At least this many server processes, whatever the run asks for. */
  readonly minProcesses: number
  /** Whether each instance reaches Postgres through proxies of its own (`toPostgres`, `toBus`). */
  readonly postgresProxies: boolean
  /** The run's own Redis, which each instance reaches through a proxy of its own (`toRedis`); null: there is none. */
  readonly redis: RedisTopology | null
  /** Environment of one instance, besides what all have; by its number from 0. */
  readonly variables: (index: number) => Readonly<Record<string, string>>
  /** For Node itself, e.g. `--max-old-space-size=96`. */
  readonly nodeArguments: (index: number) => readonly string[]
  /** The entry point of another build of the server, e.g. of a mutant. */
  readonly main?: string
  /** Puts the run's own Postgres on a disk of this size; null: where all temporary files are. */
  readonly diskMb: number | null
  /** Settings of the run's own Postgres. */
  readonly postgres: Readonly<Record<string, string>>
}

/** How much is done; shares are of all operations, in per mille. */
export type WorkloadShape = {
  readonly people: number
  readonly spies: number
  readonly rooms: { readonly hot: number; readonly warm: number; readonly cold: number }
  readonly operationsPerSecond: number
  /** False: nobody is removed, and no login is ended. */
  readonly isHostile: boolean
  /** Every message is handed to two instances at once. */
  readonly sendsTwice: boolean
  /** As socket.io-client has it; two of them: the connection begins with the first and is upgraded. */
  readonly transports: readonly ('websocket' | 'polling')[]
}
