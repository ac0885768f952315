import type { Operation } from '../../../apps/server/contract/operation.js'
import { OPERATIONS } from '../../../apps/server/contract/operations/index.js'
import { send } from './raw-http.js'
import type { RawSocket } from './raw-socket.js'

/** A JSON text that is put where a value stands; for what no JavaScript value becomes. */
export class RawJson {
  constructor(readonly text: string) {}
}

type Fields = Readonly<Record<string, unknown>>

function toJson(fields: Fields): string {
  const entries = Object.entries(fields).map(
    ([name, value]) =>
      `${JSON.stringify(name)}:${value instanceof RawJson ? value.text : JSON.stringify(value)}`,
  )
  return `{${entries.join(',')}}`
}

export type Verdict = { readonly code: string; readonly paths: readonly string[] }

const verdictOf = (error: { code?: unknown; details?: unknown } | undefined): Verdict => ({
  code: String(error?.code ?? 'ok'),
  paths: ((error?.details ?? []) as { path: string }[]).map(({ path }) => path),
})

/** Values of every field of every operation that match their schemas; `id` stands for any id. */
export const sampleOf = (operation: Operation, id: string): Record<string, unknown> => {
  const samples: Fields = {
    roomId: id,
    userId: id,
    messageId: id,
    sessionId: id,
    replyTo: id,
    threadId: id,
    email: 'sample@example.org',
    password: 'a long and quiet sentence',
    displayName: 'Sam Sample',
    transport: 'body',
    refreshToken: 'sample',
    token: 'sample',
    current: 'a long and quiet sentence',
    next: 'another quiet sentence',
    code: 'sample',
    mediation: operation.id === 'updateProfile' ? 'on' : 'off',
    name: 'A sample',
    kind: 'group',
    sendAnyway: true,
    optOut: false,
    clientId: 'sample',
    clientMessageId: 'sample',
    cursor: id,
    limit: 5,
    since: 0,
    seq: 0,
    minSeq: 0,
    before: 5,
    after: 5,
    role: 'member',
    expiresInS: 3_600,
    maxUses: 1,
    text: 'a sample',
    emoji: '👍',
    on: true,
    reason: 'a sample',
    q: 'sample',
    state: 'away',
    typing: true,
    disabled: false,
  }
  return Object.fromEntries(
    Object.keys(operation.input.properties).map((field) => {
      if (!(field in samples)) throw new Error(`no sample of ${operation.id}.${field}`)
      return [field, samples[field]]
    }),
  )
}

export const operation = (id: string): Operation => {
  const found = OPERATIONS.find((candidate) => candidate.id === id)
  if (found === undefined) throw new Error(`no operation ${id}`)
  return found
}

/** The fields of an operation that its path takes over HTTP, where all values are texts. */
export function pathFields({ http }: Operation): readonly string[] {
  const names = Array.from((http?.path ?? '').matchAll(/:(\w+)/g), ([, name = '']) => name)
  return names.map((name) => (name === 'id' && http?.id !== undefined ? http.id : name))
}

/** Whether the fields beside those of the path go into the query, where all values are texts too. */
export const takesQuery = ({ http }: Operation): boolean =>
  http?.method === 'GET' || http?.method === 'DELETE'

/** Calls over HTTP with fields that may be anything; in the path and the query, texts as they are. */
export async function overHttp(
  url: string,
  called: Operation,
  fields: Fields,
  token: string,
): Promise<Verdict & { readonly status: number }> {
  if (called.http === undefined) throw new Error(`${called.id} has no route`)
  const rest: Record<string, unknown> = { ...fields }
  const path = called.http.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const field = name === 'id' && called.http?.id !== undefined ? called.http.id : name
    const value = rest[field]
    delete rest[field]
    return value instanceof RawJson ? value.text : encodeURIComponent(String(value))
  })
  const query = Object.entries(takesQuery(called) ? rest : {}).map(
    ([name, value]) =>
      `${encodeURIComponent(name)}=${value instanceof RawJson ? value.text : encodeURIComponent(String(value))}`,
  )
  const suffix = query.length > 0 ? `?${query.join('&')}` : ''
  const { status, body } = await send(url, called.http.method, `/api/v1${path}${suffix}`, {
    token,
    ...(takesQuery(called) ? {} : { body: toJson(rest) }),
  })
  return { status, ...verdictOf(status < 400 ? undefined : body) }
}

let ids = 0

/** Calls over a socket with a payload that may be any JSON text. */
export async function overSocket(raw: RawSocket, event: string, payload: Fields | RawJson): Promise<Verdict> {
  ids += 1
  const id = ids
  raw.send(`42${id}["${event}",${payload instanceof RawJson ? payload.text : toJson(payload)}]`)
  const packet = await raw.next((text) => text.startsWith(`43${id}[`))
  const [answer] = JSON.parse(packet.slice(`43${id}`.length)) as [{ error?: { code: string } }]
  return verdictOf(answer.error)
}
