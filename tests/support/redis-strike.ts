import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import type { RedisServer } from './redis.js'
import { whenInTheMiddle } from './test-progress.js'

const FETCHED = 'undici:request:headers'
const REQUESTED = 'http.client.response.finish'

/**
 * Kills a Redis for ever between two answers of the servers that use it: that of a whole file in the test in its middle,
 * that of a single test in this test.
 */
export class RedisStrike {
  private ports: ReadonlySet<string> = new Set()
  private isArmed = false
  private isStruck = false
  private answersAfter = 0

  constructor(private readonly redis: RedisServer) {}

  /** The servers at these URLs run and use it. */
  prepare(urls: readonly string[]): void {
    this.ports = new Set(urls.map((url) => new URL(url).port))
    subscribe(FETCHED, this.onFetched)
    subscribe(REQUESTED, this.onRequested)
    whenInTheMiddle(() => {
      this.isArmed = true
    })
  }

  /** Called at the end: fails where the Redis was not killed, or where nothing was answered after it. */
  verify(): void {
    unsubscribe(FETCHED, this.onFetched)
    unsubscribe(REQUESTED, this.onRequested)
    if (this.ports.size === 0 || this.answersAfter > 0) return
    throw new Error(`Redis was ${this.isStruck ? 'killed after the last answer' : 'never killed'}`)
  }

  private readonly onFetched = (message: unknown): void => {
    const { origin } = (message as { request: { origin: string | URL } }).request
    this.answered(new URL(origin).port)
  }

  private readonly onRequested = (message: unknown): void => {
    const { request } = message as { request: ClientRequest }
    this.answered(String(request.socket?.remotePort))
  }

  private answered(port: string): void {
    if (!this.isArmed || !this.ports.has(port)) return
    if (this.isStruck) {
      this.answersAfter += 1
      return
    }
    this.isStruck = true
    // The signal is sent at once.
    void this.redis.kill()
  }
}
