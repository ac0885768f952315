import type { Invariant, Line } from './history.js'

/** Every way in which a history can be wrong: the invariant that it breaks, and the step of the algorithm that sees it. */
export const KINDS = {
  LOST: { invariant: 'L1', step: 2 },
  'DUPLICATE-MESSAGE': { invariant: 'L2', step: 2 },
  'ANOTHER-ANSWER': { invariant: 'L2', step: 2 },
  PHANTOM: { invariant: 'L13', step: 2 },
  LIAR: { invariant: 'L15', step: 2 },
  VANISHED: { invariant: 'L3', step: 2 },
  'DIFFERENT-FINALS': { invariant: 'L3', step: 1 },
  HOLE: { invariant: 'L4', step: 1 },
  'SEQ-CONFLICT': { invariant: 'L3', step: 3 },
  REORDER: { invariant: 'L3', step: 3 },
  'PUSHED-TWICE': { invariant: 'L2', step: 3 },
  'PUSHED-OUT-OF-ORDER': { invariant: 'L3', step: 3 },
  'NOT-REAL-TIME': { invariant: 'L11', step: 4 },
  GAP: { invariant: 'L4', step: 5 },
  LATE: { invariant: 'L7', step: 5 },
  'RENDERED-TWICE': { invariant: 'L2', step: 5 },
  'RENDERED-OUT-OF-ORDER': { invariant: 'L3', step: 5 },
  'RENDERED-WITH-A-HOLE': { invariant: 'L4', step: 5 },
  'RENDERED-OTHERWISE': { invariant: 'L3', step: 5 },
  STALE: { invariant: 'L6', step: 6 },
  'OWN-WRITE-MISSING': { invariant: 'L5', step: 6 },
  'LATE-READ': { invariant: 'L7', step: 6 },
  'INCOMPLETE-READ': { invariant: 'L4', step: 6 },
  'LOST-EDIT': { invariant: 'L1', step: 6 },
  FORK: { invariant: 'L3', step: 6 },
  RESURRECTED: { invariant: 'L6', step: 6 },
  LEAK: { invariant: 'L8', step: 7 },
  INTRUDER: { invariant: 'L8', step: 7 },
  ZOMBIE: { invariant: 'L9', step: 8 },
  CROSS: { invariant: 'L13', step: 9 },
  GHOST: { invariant: 'L10', step: 10 },
  ABSENT: { invariant: 'L10', step: 10 },
  NOTICED: { invariant: 'L12', step: 11 },
  SLOW: { invariant: 'L12', step: 11 },
  'NOT-BACK': { invariant: 'L14', step: 11 },
} as const satisfies Record<string, { invariant: Invariant; step: number }>
export type Kind = keyof typeof KINDS

/** Whoever reads more than this does not read it. */
const WITNESS_LINES = 20
/** Of one kind; the rest is counted. */
const KEPT = 20

export type Violation = {
  readonly kind: Kind
  /** One sentence. */
  readonly what: string
  /** When it was seen, so that the fault of that time can be told; null for what only the end shows. */
  readonly t: number | null
  /** The lines that show it, without the rest of the history. */
  readonly witness: readonly Line[]
}

/** What the steps found, and how much they looked at. */
export class Findings {
  private readonly kept = new Map<Kind, Violation[]>()
  private readonly found = new Map<Kind, number>()
  private readonly looked = new Map<number, Map<Invariant, number>>()

  /** So many facts of an invariant were examined by a step, whatever came out. */
  checked(step: number, invariant: Invariant, count = 1): void {
    const counts = this.looked.get(step) ?? new Map<Invariant, number>()
    counts.set(invariant, (counts.get(invariant) ?? 0) + count)
    this.looked.set(step, counts)
  }

  report(
    kind: Kind,
    what: string,
    witness: readonly (Line | null | undefined)[],
    t: number | null = null,
  ): void {
    this.found.set(kind, (this.found.get(kind) ?? 0) + 1)
    const kept = this.kept.get(kind) ?? []
    this.kept.set(kind, kept)
    const lines = witness.filter((line) => line !== null && line !== undefined).slice(0, WITNESS_LINES)
    if (kept.length < KEPT) kept.push({ kind, what, t, witness: lines })
  }

  get violations(): Violation[] {
    return [...this.kept.values()].flat()
  }

  /** How often each kind was found, also beyond the violations that were kept. */
  get counts(): ReadonlyMap<Kind, number> {
    return this.found
  }

  get checkedBySteps(): ReadonlyMap<number, ReadonlyMap<Invariant, number>> {
    return this.looked
  }

  checksOf(invariant: Invariant): number {
    return [...this.looked.values()].reduce((sum, counts) => sum + (counts.get(invariant) ?? 0), 0)
  }
}
