/** What answers, pushes and screens show, as far as a history keeps it. */

/** A message as some answer, push or screen shows it. `seq` is that of its sending. A tombstone has the body ''. */
export type Observed = {
  readonly mid: string
  readonly seq: number
  readonly sender: string
  readonly cmid: string
  readonly body: string
  readonly deleted: boolean
}

/** An event of a room's log. */
export type Entry = {
  readonly seq: number
  /** `message.sent`, `member.left` and so on, as in the contract. */
  readonly event: string
  readonly actor: string
  /** Of `message.*`. */
  readonly mid?: string
  /** Of `message.sent` and `message.edited`. */
  readonly message?: Observed
  /** Of `member.*`: whom it is about. */
  readonly subject?: string
}

/** The seqs, both ends included, of which an answer shows everything that it could show. */
export type Range = { readonly from: number; readonly to: number }

export type PresenceOf = { readonly user: string; readonly state: 'online' | 'away' | 'offline' }

/** What an answer says, as far as it is judged. `answerOf` makes it from a wire answer. */
export type Answer = {
  /** The room that it is about, where it says so. */
  readonly room?: string
  readonly head?: number
  /** Of the room's log: `join` with `since`, and `sync`. */
  readonly entries?: readonly Entry[]
  readonly entriesRange?: Range
  /** Of `history`, of a snapshot, or the one message of a `send`, `edit` or `delete`. */
  readonly messages?: readonly Observed[]
  /** Absent where an answer is a selection (`search`) or holds a single message. */
  readonly messagesRange?: Range
  readonly presence?: readonly PresenceOf[]
  /** False where a server said that it cannot know everyone's state. */
  readonly presenceComplete?: boolean
  /** Every canary in the answer, wherever it stood: `ROOM:USER:COUNTER`. */
  readonly canaries?: readonly string[]
}
