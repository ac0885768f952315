import type { Caller, Request } from '../../checker/history.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import { answerOf, type Paging } from '../../checker/wire.js'
import type { Instance } from '../parts.js'

export type Json = Readonly<Record<string, unknown>>

/** How a call ended: answered, definitely refused, or nobody knows. */
export type Outcome =
  | { readonly is: 'ok'; readonly data: Json }
  | { readonly is: 'fail' | 'info'; readonly code: string }

export type HttpTry = {
  readonly caller: Caller
  readonly request: Request
  /** Method, and path below `/api/v1`. */
  readonly route: string
  readonly body?: unknown
  readonly token?: string
  readonly paging?: Paging
}

export const DEADLINE_MS = 15_000
/** Over a connection of its own: one that is kept for the next call would look like a file that the server has left open. */
export const ONCE = { connection: 'close' }
/** It never left the client. */
export const NOT_SENT = { is: 'fail', code: 'NOT_SENT' } as const satisfies Outcome
/** What the contract leaves open: it may have been stored. */
const OPEN = new Set(['UNAVAILABLE', 'INTERNAL'])

/** One call over HTTP, past the SDK, written into the history. Never rejects. */
export async function tryHttp(
  writer: HistoryWriter,
  at: Pick<Instance, 'url'>,
  asked: HttpTry,
): Promise<Outcome> {
  const line = writer.call(asked.caller, asked.request)
  const outcome = await fetchOutcome(at.url, asked)
  if (outcome.is === 'ok') line.ok(answerOf(outcome.data, asked.paging))
  else line[outcome.is](outcome.code)
  return outcome
}

async function fetchOutcome(url: string, { route, body, token }: HttpTry): Promise<Outcome> {
  const [method = '', path = ''] = route.split(' ')
  try {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...ONCE,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const data = text === '' ? {} : (JSON.parse(text) as Json)
    if (response.ok) return { is: 'ok', data }
    return refusal(String(data.code ?? response.status))
  } catch (error) {
    const code = networkCode(error)
    return code === 'ECONNREFUSED' ? NOT_SENT : { is: 'info', code }
  }
}

export const refusal = (code: string): Outcome => ({ is: OPEN.has(code) ? 'info' : 'fail', code })

function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}
