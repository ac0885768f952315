import { setTimeout as sleep } from 'node:timers/promises'
import type { EmbeddedPostgres, OwnershipLoss } from './embedded-postgres.js'
import { DataDirectoryInUse, EmbeddedPostgresFailed, messageOf } from './errors.js'
import type { OwnerLock } from './owner-lock.js'
import { type Cluster, type RunningPostgres, stopPostmaster } from './postmaster.js'

export interface OwnedCluster {
  readonly lock: OwnerLock
  readonly running: RunningPostgres
}

interface Surroundings {
  readonly url: string
  readonly adminUrl: string
  readonly cluster: Cluster
  readonly log: (line: string) => void
  /** Starts or adopts Postgres (on `port`) and takes the lock. */
  readonly claim: (port: number | null, timeoutMs: number) => Promise<OwnedCluster>
}

const CLAIM_TIMEOUT_MS = 10_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
const LOG_CHECK_MS = 10 * 60_000

/** Keeps Postgres running and owned until `stop`; the end of the lock's connection tells that it is not. */
export class Supervisor implements EmbeddedPostgres {
  readonly url: string
  readonly adminUrl: string
  readonly ownerPid = process.pid
  readonly adopted: boolean
  readonly clusterDir: string
  /** The port in the URLs that were given out: a restart must use the same. */
  private readonly port: number
  private owned: OwnedCluster | null
  private restoring: Promise<void> | null = null
  private stopped: Promise<void> | null = null
  private readonly stopping = new AbortController()
  private readonly lostListeners = new Set<(loss: OwnershipLoss) => void>()
  private readonly restoredListeners = new Set<() => void>()
  private readonly logCheck: NodeJS.Timeout
  private lastPid: number

  constructor(
    owned: OwnedCluster,
    private readonly around: Surroundings,
  ) {
    this.url = around.url
    this.adminUrl = around.adminUrl
    this.adopted = !owned.running.started
    this.clusterDir = around.cluster.place.clusterDir
    this.port = owned.running.port
    this.lastPid = owned.running.pid
    this.owned = owned
    this.watch(owned)
    this.logCheck = setInterval(() => this.boundLog(), LOG_CHECK_MS).unref()
  }

  get postgresPid(): number {
    return this.lastPid
  }

  onLost(listener: (loss: OwnershipLoss) => void): () => void {
    this.lostListeners.add(listener)
    return () => this.lostListeners.delete(listener)
  }

  onRestored(listener: () => void): () => void {
    this.restoredListeners.add(listener)
    return () => this.restoredListeners.delete(listener)
  }

  stop(): Promise<void> {
    this.stopped ??= this.shutDown()
    return this.stopped
  }

  private async shutDown(): Promise<void> {
    this.stopping.abort()
    clearInterval(this.logCheck)
    await this.restoring
    const { owned } = this
    this.owned = null
    if (owned === null) return
    // The lock is held until Postgres is down, so nobody takes over in the middle.
    await stopPostmaster(this.clusterDir, owned.running.pid)
    await owned.lock.end()
    this.around.log('Embedded Postgres stopped.')
  }

  private watch(owned: OwnedCluster): void {
    void owned.lock.closed.then(() => {
      if (this.stopping.signal.aborted || this.owned !== owned) return
      this.owned = null
      this.restoring = this.restore(owned).finally(() => {
        this.restoring = null
      })
    })
  }

  private async restore(lost: OwnedCluster): Promise<void> {
    this.tellLost(new EmbeddedPostgresFailed('The connection that owns the embedded Postgres broke.'), false)
    await lost.lock.end()
    for (let pauseMs = FIRST_PAUSE_MS; !this.stopping.signal.aborted; pauseMs *= 2) {
      try {
        if (await this.reclaim()) return
      } catch (error) {
        if (error instanceof DataDirectoryInUse) return this.tellLost(error, true)
        this.around.log(`The embedded Postgres could not be restored yet: ${messageOf(error)}`)
      }
      const wait = sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), undefined, { signal: this.stopping.signal })
      await wait.catch(() => undefined)
    }
  }

  /** False when Postgres had been started meanwhile on a port that our clients do not know: it is stopped. */
  private async reclaim(): Promise<boolean> {
    const owned = await this.around.claim(this.port, CLAIM_TIMEOUT_MS)
    if (owned.running.port !== this.port) {
      await stopPostmaster(this.clusterDir, owned.running.pid)
      await owned.lock.end()
      return false
    }
    this.owned = owned
    this.lastPid = owned.running.pid
    this.watch(owned)
    this.around.log(`Embedded Postgres restored: pid ${owned.running.pid}.`)
    for (const listener of this.restoredListeners) listener()
    return true
  }

  private tellLost(cause: Error, final: boolean): void {
    this.around.log(cause.message)
    for (const listener of this.lostListeners) listener({ cause, final })
  }

  private boundLog(): void {
    this.around.cluster.log.bound().catch((error: unknown) => this.around.log(messageOf(error)))
  }
}
