import { type ParleyError, toParleyError } from './errors.js'
import type { Observation, Observe } from './observation.js'
import type { Environment } from './options.js'

export type Request = {
  readonly via: 'socket' | 'http'
  readonly name: string
  readonly payload: unknown
  readonly url: string
  readonly socketId: string | null
}
type Outcome =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly error: ParleyError }

/** Tells the tester, where there is one. */
export class Observer {
  private lastId = 0

  constructor(
    private readonly observe: Observe | undefined,
    private readonly environment: Environment,
  ) {}

  /** Runs a request, and tells how it began and ended. */
  async request<T>(request: Request, run: () => Promise<T>): Promise<T> {
    if (this.observe === undefined) return run()
    this.lastId += 1
    const { via, name, url, socketId } = request
    const base = { id: this.lastId, via, name, url, socketId }
    const startedMs = this.environment.nowMs()
    const isSecret = /^auth:| \/auth\//.test(name)
    this.tell({ kind: 'request', ...base, atMs: startedMs, payload: isSecret ? null : request.payload })
    const end = (outcome: Outcome): void =>
      this.tell({ kind: 'answer', ...base, atMs: this.environment.nowMs(), startedMs, outcome })
    try {
      const data = await run()
      end({ ok: true, data: isSecret ? null : data })
      return data
    } catch (error) {
      end({ ok: false, error: toParleyError(error) })
      throw error
    }
  }

  push(name: string, payload: unknown, url: string, socketId: string | null): void {
    this.tell({ kind: 'push', name, payload, url, socketId, atMs: this.environment.nowMs() })
  }

  connection(
    state: 'open' | 'closed' | 'refused',
    reason: string,
    url: string,
    socketId: string | null,
  ): void {
    this.tell({ kind: 'connection', state, reason, url, socketId, atMs: this.environment.nowMs() })
  }

  private tell(observation: Observation): void {
    try {
      this.observe?.(observation)
    } catch {
      // A tester that fails must not change what it looks at.
    }
  }
}
