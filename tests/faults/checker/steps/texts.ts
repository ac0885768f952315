import { parseBody } from '../bodies.js'
import type { Deadlines } from '../deadlines.js'
import type { Findings } from '../findings.js'
import { groupBy } from '../grouping.js'
import type { Call, History } from '../history.js'
import type { RoomTruth, RunIndex } from '../run-index.js'
import { only, type Sighting, sightings } from '../sightings.js'

const STEP = 6

/** What was asked of one message after it was sent, and which texts of it were seen. */
type Story = {
  readonly mid: string
  readonly room: string
  /** In the order of their outcomes. */
  readonly edits: Call[]
  readonly deletes: Call[]
  /** Live texts, each with the sighting that showed it first. */
  readonly texts: Map<string, Sighting>
  /** By client: the first time that it was told of the deletion, by its event or by a tombstone. */
  readonly tombstones: Map<string, Sighting>
}

/** Step 6, second half: texts only grow by the edits that were made, in time, and a deleted text stays away. */
export function judgeTexts(
  history: History,
  index: RunIndex,
  deadlines: Deadlines,
  findings: Findings,
): void {
  const stories = tell(history)
  for (const story of stories.values()) {
    const truth = index.rooms.get(story.room)
    if (truth !== undefined) judgeStory(story, truth, findings)
  }
  for (const sighting of sightings(history)) {
    const story = stories.get(`${sighting.room} ${sighting.message?.mid}`)
    const truth = index.rooms.get(sighting.room)
    if (story === undefined || truth === undefined || sighting.line.type === 'render') continue
    if (story.deletes.length > 0 || story.tombstones.size > 0)
      judgeTombstone(sighting, story, truth, deadlines, findings)
    if (story.edits.length > 0) judgeAge(sighting, story, deadlines, findings)
  }
}

function tell(history: History): Map<string, Story> {
  const stories = new Map<string, Story>()
  const of = (room: string, mid: string): Story => {
    const key = `${room} ${mid}`
    const story = stories.get(key) ?? {
      mid,
      room,
      edits: [],
      deletes: [],
      texts: new Map(),
      tombstones: new Map(),
    }
    stories.set(key, story)
    return story
  }
  for (const call of [...history.calls].sort((a, b) => a.t_end - b.t_end)) {
    if (call.mid === undefined || call.room === undefined) continue
    if (call.f === 'edit') of(call.room, call.mid).edits.push(call)
    if (call.f === 'delete') of(call.room, call.mid).deletes.push(call)
  }
  for (const sighting of sightings(history)) {
    const { room, message, entry, line, at } = sighting
    if (entry?.event === 'message.deleted' && entry.mid !== undefined) {
      const { tombstones } = of(room, entry.mid)
      if (at < (tombstones.get(line.client)?.at ?? Infinity)) tombstones.set(line.client, sighting)
    }
    if (message === null) continue
    const { texts, tombstones } = of(room, message.mid)
    const seen = message.deleted ? tombstones : texts
    const key = message.deleted ? line.client : message.body
    if (at < (seen.get(key)?.at ?? Infinity)) seen.set(key, sighting)
  }
  return stories
}

const tokensOf = (body: string): readonly string[] => parseBody(body)?.edits ?? []
const lastToken = (call: Call): string => tokensOf(call.body ?? '').at(-1) ?? ''

function judgeStory(story: Story, truth: RoomTruth, findings: Findings): void {
  const { mid, room, edits } = story
  const final = truth.messages.get(mid)
  if (final === undefined) return
  const log = { ...truth.log, entries: truth.log.entries.filter((entry) => entry.mid === mid) }
  const texts = [...story.texts.entries()].sort(([a], [b]) => a.length - b.length)
  for (const [at, [body, sighting]] of texts.entries()) {
    findings.checked(STEP, 'L3')
    const before = texts[at - 1]
    const line = only(sighting.line, { mid })
    if (before && !body.startsWith(before[0]))
      findings.report(
        'FORK',
        `${mid} in ${room} was seen with two texts, neither of which continues the other.`,
        [only(before[1].line, { mid }), line],
      )
    else if (!final.deleted && !final.body.startsWith(body))
      findings.report('LOST-EDIT', `${mid} in ${room} was seen with an edit that is gone.`, [line, log])
    judgeTokens(sighting, body, story, findings)
  }
  for (const [text, calls] of groupBy(edits, lastToken)) {
    const there = tokensOf(final.body).includes(text)
    if (calls.every(({ type }) => type === 'fail')) {
      findings.checked(STEP, 'L15')
      const seen = [...story.texts].find(([body]) => tokensOf(body).includes(text))?.[1]
      if (there || seen)
        findings.report('LIAR', `An edit of ${mid} in ${room} was refused, and it was made.`, [
          ...calls,
          seen ? only(seen.line, { mid }) : log,
        ])
    }
    const ack = calls.find(({ type }) => type === 'ok')
    if (ack === undefined || final.deleted) continue
    findings.checked(STEP, 'L1')
    if (!there)
      findings.report('LOST-EDIT', `An edit of ${mid} in ${room} was acked and is gone.`, [ack, log])
  }
  judgeDeletes(story, final.deleted, log, findings)
}

function judgeDeletes(story: Story, deleted: boolean, log: RoomTruth['log'], findings: Findings): void {
  const { deletes, mid, room, tombstones } = story
  if (deletes.length === 0 && tombstones.size === 0) return
  const ack = deletes.find(({ type }) => type === 'ok')
  const [shown] = tombstones.values()
  findings.checked(STEP, 'L1')
  if (!deleted && (ack || shown))
    findings.report('RESURRECTED', `${mid} in ${room} was deleted and has its text at the end.`, [
      ack,
      shown && only(shown.line, { mid }),
      log,
    ])
  if (deletes.length === 0 || deletes.some(({ type }) => type !== 'fail')) return
  findings.checked(STEP, 'L15')
  if (deleted)
    findings.report('LIAR', `The deletion of ${mid} in ${room} was refused, and it is deleted.`, deletes)
}

function judgeTokens(
  sighting: Sighting,
  body: string,
  { edits, mid, room }: Story,
  findings: Findings,
): void {
  const made = new Set(edits.map(lastToken))
  findings.checked(STEP, 'L13')
  if (parseBody(body) !== null && tokensOf(body).every((token) => made.has(token))) return
  const line = only(sighting.line, { mid })
  findings.report('PHANTOM', `${mid} in ${room} was seen with a text that nobody wrote.`, [line], sighting.at)
}

/**
 * A deleted text is gone for whoever was told of the deletion, at every head that holds it, and for all when it is due. Only
 * the last has a bound that a fault can put off.
 */
function judgeTombstone(
  sighting: Sighting,
  story: Story,
  truth: RoomTruth,
  deadlines: Deadlines,
  findings: Findings,
): void {
  const { line, from, at, message } = sighting
  if (message === null || line.type === 'render') return
  const { mid } = story
  const told = story.tombstones.get(line.client)
  // A push can have been on its way when an answer told it; an answer that was asked for later cannot.
  const knew = line.type === 'ok' && told !== undefined && told.at < from ? told : null
  const head = line.type === 'ok' ? (line.answer?.head ?? 0) : 0
  const deletion = truth.deletions.get(mid) ?? Infinity
  const ack = story.deletes.find(({ type }) => type === 'ok')
  const isDue = ack !== undefined && deadlines.after(ack.t_end, 'L7', line) < from
  if (knew === null && head < deletion && !isDue) return
  findings.checked(STEP, 'L6')
  if (message.deleted) return
  const witness = only(line, { mid, seq: deletion })
  const what = `${line.client} was shown the deleted text of ${mid} in ${story.room}`
  if (knew !== null)
    findings.report(
      'RESURRECTED',
      `${what} after it had been told.`,
      [only(knew.line, { mid, seq: deletion }), witness],
      at,
    )
  else if (head >= deletion)
    findings.report('RESURRECTED', `${what} at ${head}; it was deleted at ${deletion}.`, [witness], at)
  else findings.report('RESURRECTED', `${what} when it was due to be gone.`, [ack, witness], at)
}

/** An edit is shown at once where it was acked, and everywhere when it is due. */
function judgeAge(sighting: Sighting, story: Story, deadlines: Deadlines, findings: Findings): void {
  const { line, from, at, message } = sighting
  if (message === null || message.deleted || line.type !== 'ok') return
  const tokens = new Set(tokensOf(message.body))
  for (const edit of story.edits) {
    if (edit.type !== 'ok' || edit.t_end >= from) continue
    const here = edit.instance === line.instance && edit.client === line.client
    const due = deadlines.after(edit.t_end, 'L7', line) < from
    if (!here && !due) continue
    findings.checked(STEP, due ? 'L7' : 'L5')
    if (tokens.has(lastToken(edit))) continue
    const what = `${line.client} was shown ${story.mid} in ${story.room} without an edit acked ${Math.round((from - edit.t_end) / 1e6)} ms before`
    const kind = due ? 'LATE-READ' : 'OWN-WRITE-MISSING'
    findings.report(kind, `${what}.`, [edit, only(line, { mid: story.mid })], at)
    return
  }
}
