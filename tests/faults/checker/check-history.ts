import { Deadlines } from './deadlines.js'
import { Findings, KINDS, type Kind, type Violation } from './findings.js'
import { type History, INVARIANTS, type Invariant } from './history.js'
import { Memberships } from './membership.js'
import { indexRun } from './run-index.js'
import { judgeCanaries, judgeMembership, judgeRevocation } from './steps/access.js'
import { type Experience, judgeExperience } from './steps/experience.js'
import { judgeGaps } from './steps/gaps.js'
import { judgeOrder, judgeRealTime } from './steps/order.js'
import { judgePresence } from './steps/presence.js'
import { judgeReads } from './steps/reads.js'
import { judgeScreens } from './steps/screens.js'
import { judgeStorage } from './steps/stored-once.js'
import { judgeTexts } from './steps/texts.js'

export type Verdict = {
  readonly invariant: Invariant
  /** `unchecked`: nothing was there to check, and the header does not say why. That is a failure. */
  readonly outcome: 'holds' | 'violated' | 'unchecked' | 'out of scope'
  readonly checks: number
  readonly found: number
  /** Of `out of scope`. */
  readonly reason: string | null
}

export type Judgement = {
  readonly ok: boolean
  readonly verdicts: readonly Verdict[]
  readonly violations: readonly Violation[]
  readonly counts: ReadonlyMap<Kind, number>
  readonly checkedBySteps: ReadonlyMap<number, ReadonlyMap<Invariant, number>>
  readonly experience: readonly Experience[]
}

/** Judges a run from its history alone. Needs no search, because every event has a seq; it checks that those do not lie. */
export function checkHistory(history: History): Judgement {
  const findings = new Findings()
  const deadlines = new Deadlines(history)
  const index = indexRun(history, findings)
  const memberships = new Memberships(history, index)
  judgeStorage(history, index, findings)
  judgeOrder(history, index, findings)
  judgeRealTime(index, findings)
  judgeGaps(history, index, { deadlines, memberships, findings })
  judgeScreens(history, index, memberships, findings)
  judgeReads(history, index, deadlines, findings)
  judgeTexts(history, index, deadlines, findings)
  judgeMembership(history, index, memberships, deadlines, findings)
  judgeRevocation(history, index, deadlines, findings)
  judgeCanaries(history, memberships, findings)
  judgePresence(history, memberships, deadlines, findings)
  const experience = judgeExperience(history, index, findings)
  const verdicts = INVARIANTS.map((invariant) => verdictOn(invariant, history, findings))
  return {
    ok: verdicts.every(({ outcome }) => outcome === 'holds' || outcome === 'out of scope'),
    verdicts,
    violations: findings.violations,
    counts: findings.counts,
    checkedBySteps: findings.checkedBySteps,
    experience,
  }
}

function verdictOn(invariant: Invariant, { header }: History, findings: Findings): Verdict {
  const checks = findings.checksOf(invariant)
  let found = 0
  for (const [kind, count] of findings.counts) if (KINDS[kind].invariant === invariant) found += count
  const reason = header.outOfScope?.[invariant] ?? null
  const outcome =
    found > 0 ? 'violated' : checks > 0 ? 'holds' : reason === null ? 'unchecked' : 'out of scope'
  return { invariant, outcome, checks, found, reason }
}
