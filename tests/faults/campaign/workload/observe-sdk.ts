import type { Observation, Observe } from '../../../../apps/client/index.js'
import type { Caller, CallKind, Request } from '../../checker/history.js'
import type { HistoryWriter, OpenCall } from '../../checker/history-file.js'
import { answerOf, type Paging } from '../../checker/wire.js'

type Json = Readonly<Record<string, unknown>>

/** Who the client is at this moment; `instance` is that of the URL. */
export type Identity = (url: string) => Omit<Caller, 'conn'>

const KINDS: Readonly<Record<string, CallKind>> = {
  'message:send': 'send',
  'message:edit': 'edit',
  'message:delete': 'delete',
  'room:join': 'join',
  'room:leave': 'leave',
  'room:sync': 'sync',
  'message:list': 'history',
  'message:search': 'search',
  'POST /rooms': 'create',
  'POST /auth/sign-in': 'login',
}

/** Writes what an SDK client does and sees into the history. */
export function observeSdk(
  writer: HistoryWriter,
  identity: Identity,
  { onConnection, roomOfMessage }: Surroundings,
): Observe {
  const open = new Map<number, { readonly call: OpenCall; readonly paging: Paging }>()
  return (seen) => {
    const caller = { ...identity(seen.url), conn: seen.socketId }
    switch (seen.kind) {
      case 'request':
        open.set(seen.id, {
          call: writer.call(caller, requestOf(seen, roomOfMessage)),
          paging: pagingOf(seen.payload),
        })
        break
      case 'answer':
        end(open.get(seen.id), seen)
        open.delete(seen.id)
        break
      case 'push':
        if (caller.conn !== null) writer.received({ ...caller, conn: caller.conn }, seen.name, seen.payload)
        break
      case 'connection':
        onConnection(seen.state, caller)
    }
  }
}

export type Surroundings = {
  readonly onConnection: OnConnection
  /** Which room a message is in that the client has shown. */
  readonly roomOfMessage: (messageId: string) => string | undefined
}

type OnConnection = (state: 'open' | 'closed' | 'refused', caller: Caller) => void

type Answered = Extract<Observation, { kind: 'answer' }>

function end(
  known: { readonly call: OpenCall; readonly paging: Paging } | undefined,
  { outcome }: Answered,
): void {
  if (known === undefined) return
  if (outcome.ok) known.call.ok(answerOf(outcome.data, known.paging))
  else {
    const { code, message, details, uncertain } = outcome.error
    known.call[uncertain ? 'info' : 'fail'](code, { message, details })
  }
}

function requestOf(
  { name, payload }: Extract<Observation, { kind: 'request' }>,
  roomOfMessage: Surroundings['roomOfMessage'],
): Request {
  const asked = (payload ?? {}) as Json
  const text = (key: string) => (typeof asked[key] === 'string' ? (asked[key] as string) : undefined)
  const mid = text('messageId')
  const given = {
    room: text('roomId') ?? roomOfMessage(mid ?? ''),
    cmid: text('clientMessageId'),
    mid,
    body: text('text'),
    minSeq: typeof asked.minSeq === 'number' ? asked.minSeq : undefined,
  }
  const kept = Object.entries(given).filter(([, value]) => value !== undefined)
  return { f: KINDS[name] ?? 'other', ...Object.fromEntries(kept) }
}

function pagingOf(payload: unknown): Paging {
  const asked = (payload ?? {}) as Json
  return Object.fromEntries(
    ['before', 'after', 'since'].flatMap((key) =>
      typeof asked[key] === 'number' ? [[key, asked[key]]] : [],
    ),
  )
}
