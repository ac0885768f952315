import type { Caller, Request } from '../../checker/history.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import { answerOf, type Paging } from '../../checker/wire.js'
import type { Instance } from '../parts.js'

export type Json = Readonly<Record<string, unknown>>

/** How a call ended: answered, definitely refused, or nobody knows. */
export type Outcome =
  | { readonly is: 'ok'; readonly data: Json }
  | {
      readonly is: 'fail' | 'info'
      readonly code: string
      /** The body of the refusal, where there was one. */
      readonly said?: unknown
    }

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
  else line[outcome.is](outcome.code, outcome.said)
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
    if (!response.ok) {
      const code = codeIn(text)
      // What does not speak as the server does refuses nothing for it.
      return code === null ? { is: 'info', code: String(response.status), said: text } : refusal(code, text)
    }
    return { is: 'ok', data: text === '' ? {} : (JSON.parse(text) as Json) }
  } catch (error) {
    const code = networkCode(error)
    return code === 'ECONNREFUSED' ? NOT_SENT : { is: 'info', code }
  }
}

export const refusal = (code: string, said: unknown): Outcome => ({
  is: OPEN.has(code) ? 'info' : 'fail',
  code,
  said,
})

/** The contract's code in a problem; null in a page that is none. */
function codeIn(text: string): string | null {
  try {
    const { code } = JSON.parse(text) as { code?: unknown }
    return typeof code === 'string' ? code : null
  } catch {
    return null
  }
}

function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}
