import type { RoomId, UserId } from '../domain/ids.js'

export type Verdict = {
  readonly action: 'deliver' | 'comment' | 'hold'
  readonly risk: 'none' | 'low' | 'medium' | 'high'
  /** Spans in UTF-16 code units, end exclusive. */
  readonly patterns: readonly {
    readonly id: string
    readonly span: readonly [number, number]
    readonly note: string
  }[]
  readonly explanation: string
  readonly tip: string
  /** At most 3. */
  readonly questions: readonly string[]
  /** At most 2. */
  readonly rewrites: readonly string[]
  readonly source: 'local' | 'model'
  readonly policyVersion: string
}

export type Draft = { readonly roomId: RoomId; readonly authorId: UserId; readonly text: string }

/** Reads a text before others do. Answers within its budget and never throws: when unsure, it lets the text through. */
export interface MediatorPort {
  judge(draft: Draft): Promise<Verdict>
}
