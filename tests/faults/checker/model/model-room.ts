import type { Answer, Entry, Observed } from '../history.js'

type Row = {
  readonly seq: number
  readonly event: string
  readonly actor: string
  readonly mid?: string
  readonly subject?: string
  readonly t: number
  readonly instance: string
}
type Stored = {
  readonly mid: string
  readonly seq: number
  readonly sender: string
  readonly cmid: string
  /** By the seq that made it; null is the tombstone. */
  readonly versions: { readonly seq: number; readonly body: string | null }[]
}

const PAGE = 8

/** A room that is never wrong: one log, and what it looked like at every seq of it. */
export class ModelRoom {
  readonly members = new Set<string>()
  private readonly rows: Row[] = []
  private readonly messages = new Map<string, Stored>()
  private readonly byCmid = new Map<string, string>()

  constructor(readonly id: string) {}

  get head(): number {
    return this.rows.length
  }

  append(
    row: Omit<Row, 'seq'>,
    change: { readonly body?: string | null; readonly cmid?: string } = {},
  ): Entry {
    const seq = this.rows.length + 1
    this.rows.push({ ...row, seq })
    const { event, mid, subject, actor } = row
    if (event === 'member.joined') this.members.add(subject ?? '')
    if (event === 'member.left') this.members.delete(subject ?? '')
    if (event === 'message.sent' && mid !== undefined && change.cmid !== undefined) {
      const { cmid, body = null } = change
      this.messages.set(mid, { mid, seq, sender: actor, cmid, versions: [{ seq, body }] })
      this.byCmid.set(`${actor} ${cmid}`, mid)
    } else if (mid !== undefined) this.messages.get(mid)?.versions.push({ seq, body: change.body ?? null })
    return this.entries(seq - 1, seq)[0] as Entry
  }

  find(user: string, cmid: string): string | null {
    return this.byCmid.get(`${user} ${cmid}`) ?? null
  }

  ownerOf(mid: string): string | null {
    return this.messages.get(mid)?.sender ?? null
  }

  /** What an instance knows that hears of the others' commits after `lagNs`. */
  headAt(instance: string, now: number, lagNs: number): number {
    return this.rows.findLast((row) => row.instance === instance || row.t + lagNs <= now)?.seq ?? 0
  }

  /** As it was at `head`; a deleted text is gone from old views too. */
  message(mid: string, head: number): Observed {
    const { seq, sender, cmid, versions } = this.messages.get(mid) as Stored
    const isDeleted = versions.at(-1)?.body === null
    const body = isDeleted ? null : (versions.findLast((version) => version.seq <= head)?.body ?? null)
    return { mid, seq, sender, cmid, body: body ?? '', deleted: body === null }
  }

  /** With the texts as they are at `head`. */
  entries(after: number, head: number): Entry[] {
    return this.rows.slice(after, head).map(({ seq, event, actor, mid, subject }) => ({
      seq,
      event,
      actor,
      ...(mid === undefined ? {} : { mid }),
      ...(mid !== undefined && (event === 'message.sent' || event === 'message.edited')
        ? { message: this.message(mid, head) }
        : {}),
      ...(subject === undefined ? {} : { subject }),
    }))
  }

  /** The newest page below `before`. */
  page(head: number, before: number = head + 1): Answer {
    const all = this.sent(Math.min(head, before - 1))
    const mids = all.slice(-PAGE)
    const messages = mids.map((mid) => this.message(mid, head))
    const from = all.length > PAGE ? (messages[0]?.seq ?? 1) : 1
    return { head, messages, messagesRange: { from, to: Math.min(head, before - 1) } }
  }

  private sent(upTo: number): string[] {
    return this.rows
      .slice(0, upTo)
      .flatMap(({ event, mid }) => (event === 'message.sent' && mid !== undefined ? [mid] : []))
  }
}
