import type postgres from 'postgres'
import type { FaultyServer } from '../nemesis/faulty-server.js'
import type { RedisTarget } from '../nemesis/redis-actions.js'
import type { SmallDisk } from '../nemesis/small-disk.js'
import type { TcpProxy } from '../nemesis/tcp-proxy.js'

/** One server process of the run. Its URL stays the same over all its lives. */
export interface Instance {
  /** `i1`, `i2`, … as in the schedule and the history. */
  readonly name: string
  readonly index: number
  readonly url: string
  /** The present or last life; throws before the first. */
  readonly server: FaultyServer
  /** What it has written in all its lives. */
  output(): string
  /** Between this instance and Postgres, where the topology has them; null otherwise. */
  readonly toPostgres: TcpProxy | null
  /** The same for `DATABASE_DIRECT_URL`: LISTEN, NOTIFY and migrations. */
  readonly toBus: TcpProxy | null
  /** Between this instance and Redis, where the topology has one; null otherwise. */
  readonly toRedis: TcpProxy | null
  /** Whether a process is there that was not told to go; a stopped one (SIGSTOP) is. */
  readonly isUp: boolean
  /** Starts a new life, with more variables if given (they stay for the lives after). */
  start(more?: Readonly<Record<string, string>>): Promise<void>
  /** SIGKILL, and the wait for its end. */
  kill(): Promise<void>
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  signal(signal: NodeJS.Signals): void
}

/** The Redis of this run alone; its client goes past every proxy. */
export type CampaignRedis = RedisTarget

/** The Postgres of this run alone. */
export interface CampaignDatabase {
  /** As the servers connect to it, without proxies. */
  readonly url: string
  /** The superuser, in the same database. */
  readonly adminUrl: string
  /** Statements as superuser, past every server and every proxy. */
  readonly sql: postgres.Sql<{ bigint: number }>
  readonly clusterDir: string
  /** What the cluster lies on, where the topology has `diskMb`. */
  readonly disk: SmallDisk | null
  /** Of the postmaster that runs now; its supervisor starts another one, on the same port, when it ends. */
  pid(): Promise<number>
}
