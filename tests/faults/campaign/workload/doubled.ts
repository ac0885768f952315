import type { Json, Outcome } from './try-http.js'

/** Messages that were handed to two instances, and how both answered. */
export class Doubled {
  /** Those to which both said yes. */
  both = 0
  readonly differing: string[] = []

  add(body: string, outcomes: readonly Outcome[]): void {
    const stored = outcomes.flatMap((outcome) => (outcome.is === 'ok' ? [placeOf(outcome.data)] : []))
    if (stored.length < 2) return
    this.both += 1
    if (new Set(stored).size > 1) this.differing.push(`${body}: ${stored.join(', and ')}`)
  }
}

function placeOf({ message }: Json): string {
  const { id, seq } = message as { readonly id: string; readonly seq: number }
  return `${id} at ${seq}`
}
