import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { canariesIn } from './bodies.js'
import {
  type Answer,
  type Call,
  type Caller,
  type ConnectionLine,
  type Header,
  type History,
  type Line,
  monotonicNs,
  type Rendered,
  type Request,
} from './history.js'
import { receivedOf } from './wire.js'

/** A call that has begun. The first outcome counts; without one it ends as `info` with the history. */
export type OpenCall = {
  /** The room, where the request did not know it yet, is that of the answer. */
  ok(answer: Answer): void
  /** Definitely refused, or it never left the client. `said`: the body of the refusal, where there was one. */
  fail(code: string, said?: unknown): void
  /** It may have been done, or may yet be. */
  info(code: string, said?: unknown): void
}

type Connected = Omit<ConnectionLine, 'type' | 'event' | 't'>

/** Writes a history while it happens. Lines are buffered in memory while the disk is slow; nothing waits. */
export class HistoryWriter {
  private readonly open = new Set<OpenCall>()
  private readonly file: WriteStream

  constructor(path: string, header: Omit<Header, 'type'>) {
    this.file = createWriteStream(path)
    this.write({ type: 'header', ...header })
  }

  /** Lines for which there is nothing more convenient: `nemesis`, `final`, `sockets`, `sample`, `stall`. */
  write(line: Line): void {
    this.file.write(`${JSON.stringify(line)}\n`)
  }

  /** To be called right before the request leaves. */
  call(caller: Caller, request: Request): OpenCall {
    const t_invoke = monotonicNs()
    const end = (rest: Pick<Call, 'type' | 'answer' | 'code' | 'room' | 'canaries'>) => {
      if (!this.open.delete(call)) return
      const { client, user, session, conn, instance } = caller
      this.write({
        client,
        user,
        session,
        conn,
        instance,
        ...request,
        t_invoke,
        t_end: monotonicNs(),
        ...rest,
      })
    }
    const call: OpenCall = {
      ok: (answer) => {
        const room = request.room ?? answer.room
        end({ type: 'ok', answer, ...(room === undefined ? {} : { room }) })
      },
      fail: (code, said) => end({ type: 'fail', code, ...canariesOf(said) }),
      info: (code, said) => end({ type: 'info', code, ...canariesOf(said) }),
    }
    this.open.add(call)
    return call
  }

  connected(connected: Connected): void {
    this.write({ type: 'conn', event: 'open', t: monotonicNs(), ...connected })
  }

  disconnected(connected: Connected): void {
    this.write({ type: 'conn', event: 'close', t: monotonicNs(), ...connected })
  }

  /** Whatever server event a socket received, with its payload as it came. */
  received(connected: Connected, event: string, payload: unknown): void {
    const t = monotonicNs()
    for (const part of receivedOf(event, payload)) this.write({ type: 'recv', t, ...connected, ...part })
  }

  rendered(rendered: Omit<Rendered, 'type' | 't'>): void {
    this.write({ type: 'render', t: monotonicNs(), ...rendered })
  }

  /** Ends what is still open as `info`, and resolves when all is in the file. */
  async close(): Promise<void> {
    for (const call of this.open) call.info('RUN_ENDED')
    this.file.end()
    await finished(this.file)
  }
}

const canariesOf = (said: unknown): Pick<Call, 'canaries'> =>
  said === undefined ? {} : { canaries: canariesIn(said) }

export class MalformedHistory extends Error {
  override readonly name = 'MalformedHistory'
}

/** Sorts lines into a history. */
export function historyOf(lines: Iterable<Line>): History {
  const all = Array.from(lines)
  const headers = all.filter((line) => line.type === 'header')
  const [header] = headers
  if (header === undefined || headers.length > 1) throw new MalformedHistory('a history has one header')
  const of = <T extends Line['type']>(...types: T[]) =>
    all.filter((line): line is Extract<Line, { type: T }> => (types as string[]).includes(line.type))
  const finals = of('final')
  const rooms = new Map(finals.flatMap(({ room, entries }) => entries.map(({ mid }) => [mid, room] as const)))
  // A request that names a message need not name its room.
  const placed = (call: Call): Call => {
    if (call.room !== undefined || call.mid === undefined) return call
    const room = rooms.get(call.mid)
    return room === undefined ? call : { ...call, room }
  }
  const inTime = <L extends { readonly t: number }>(some: L[]) => some.sort((a, b) => a.t - b.t)
  return {
    header,
    calls: of('ok', 'fail', 'info')
      .map(placed)
      .sort((a, b) => a.t_invoke - b.t_invoke),
    connections: inTime(of('conn')),
    received: inTime(of('recv')),
    rendered: inTime(of('render')),
    faults: of('nemesis').sort((a, b) => a.start - b.start),
    finals: inTime(finals),
    sockets: inTime(of('sockets')),
    samples: inTime(of('sample')),
    stalls: of('stall').sort((a, b) => a.start - b.start),
  }
}

export async function readHistory(path: string): Promise<History> {
  const lines: Line[] = []
  let number = 0
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number += 1
    if (text === '') continue
    try {
      lines.push(JSON.parse(text) as Line)
    } catch (cause) {
      throw new MalformedHistory(`line ${number} is not JSON`, { cause })
    }
  }
  return historyOf(lines)
}
