import { ParleyError, refused } from './errors.js'
import type { Observer } from './observer.js'
import type { Environment, Fetch } from './options.js'
import { tooLate } from './waiting.js'
import type { WireError } from './wire.js'

/** Which server to speak to: where a function chooses, it chooses anew when `next` is called. */
export class Endpoint {
  private url: string | null = null

  constructor(private readonly given: string | (() => string)) {}

  get current(): string {
    return this.url ?? this.next()
  }

  next(): string {
    const url = typeof this.given === 'string' ? this.given : this.given()
    this.url = url.replace(/\/+$/, '')
    return this.url
  }
}

export type HttpCall = {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly token?: string | null
  readonly withinMs: number
}

type Parts = {
  readonly endpoint: Endpoint
  readonly fetch: Fetch
  readonly environment: Environment
  readonly observer: Observer
  readonly transport: 'token' | 'cookie'
}

/** Calls below `/api/v1`, one attempt each. */
export class Http {
  private readonly underWay = new Set<AbortController>()

  constructor(private readonly parts: Parts) {}

  /** Ends every call that is under way. */
  abort(error: ParleyError): void {
    for (const controller of this.underWay) controller.abort(error)
  }

  send<T>(call: HttpCall): Promise<T> {
    const url = this.parts.endpoint.current
    const { method, path, body } = call
    const request = { via: 'http', name: `${method} ${path}`, payload: body, url, socketId: null } as const
    return this.parts.observer.request(request, () => this.attempt<T>(url, call))
  }

  private async attempt<T>(url: string, call: HttpCall): Promise<T> {
    const { fetch, environment, endpoint } = this.parts
    const abort = new AbortController()
    const late = tooLate(`${call.method} ${call.path}`, true)
    const timer = environment.setTimeout(() => abort.abort(late), call.withinMs)
    this.underWay.add(abort)
    try {
      const response = await fetch(`${url}/api/v1${call.path}`, this.initOf(call, abort.signal))
      const text = await response.text()
      return answerOf(response.status, text) as T
    } catch (error) {
      const isAnswer = error instanceof ParleyError && error !== late
      if (isAnswer) throw error
      endpoint.next()
      if (abort.signal.aborted) throw abort.signal.reason
      throw new ParleyError('DISCONNECTED', 'The server could not be reached.', {
        uncertain: true,
        cause: error,
      })
    } finally {
      this.underWay.delete(abort)
      environment.clearTimeout(timer)
    }
  }

  private initOf({ method, body, token }: HttpCall, signal: AbortSignal): Parameters<Fetch>[1] {
    const isCookie = this.parts.transport === 'cookie'
    const headers: Record<string, string> = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token == null ? {} : { authorization: `Bearer ${token}` }),
      ...(isCookie ? { 'x-parley': '1' } : {}),
    }
    return {
      method,
      headers,
      credentials: isCookie ? 'include' : 'omit',
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }
  }
}

function answerOf(status: number, text: string): unknown {
  if (status === 204) return {}
  const body = parse(text)
  if (status >= 200 && status < 300 && body !== null) return body
  // Only what speaks as the server does is believed: a proxy's own 401 page ends no login.
  if (body !== null && typeof body.code === 'string') {
    const { code, detail, details, retryAfterMs } = body as { detail?: string } & WireError
    return raise(
      refused({
        code,
        message: detail ?? code,
        ...(details === undefined ? {} : { details }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      }),
    )
  }
  return raise(
    new ParleyError('UNAVAILABLE', `Something that is no Parley server answered ${status}.`, {
      uncertain: true,
    }),
  )
}

function raise(error: ParleyError): never {
  throw error
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
