import type { Call, Entry, History, Observed, Received, Rendered } from './history.js'

/** Something of a room that a client saw during the run, in an answer, a push or on its screen. */
export type Sighting = {
  readonly line: Call | Received | Rendered
  readonly room: string
  /** Nothing that happened after this is certain to be in it: when the call began, or the push arrived. */
  readonly from: number
  readonly at: number
  readonly entry: Entry | null
  readonly message: Observed | null
}

/** Every sighting of the run, in no order. */
export function* sightings(history: History): Generator<Sighting> {
  for (const line of history.calls) if (line.type === 'ok') yield* inAnswer(line)
  for (const line of history.received) {
    const { entry, room, t } = line
    if (entry === undefined || room === undefined) continue
    yield { line, room, from: t, at: t, entry, message: entry.message ?? null }
  }
  for (const line of history.rendered)
    for (const message of line.items)
      yield { line, room: line.room, from: line.t, at: line.t, entry: null, message }
}

function* inAnswer(line: Call): Generator<Sighting> {
  const { room, answer, t_invoke: from, t_end: at } = line
  if (room === undefined || answer === undefined) return
  for (const entry of answer.entries ?? [])
    yield { line, room, from, at, entry, message: entry.message ?? null }
  for (const message of answer.messages ?? []) yield { line, room, from, at, entry: null, message }
}

/** A line with nothing but what concerns one message or seq, so that a witness stays readable. */
export function only(
  line: Sighting['line'],
  wanted: { readonly mid?: string; readonly seq?: number },
): Sighting['line'] {
  const is = (some: { readonly mid?: string; readonly seq: number }) =>
    (wanted.mid !== undefined && some.mid === wanted.mid) || some.seq === wanted.seq
  if (line.type === 'recv') return line
  if (line.type === 'render') return { ...line, items: line.items.filter(is) }
  if (line.answer === undefined) return line
  const { entries, messages, presence: _, canaries: __, ...answer } = line.answer
  return {
    ...line,
    answer: {
      ...answer,
      ...(entries && { entries: entries.filter(is) }),
      ...(messages && { messages: messages.filter(is) }),
    },
  }
}
