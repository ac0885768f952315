import type { Judgement } from './check-history.js'
import { KINDS, type Violation } from './findings.js'
import { groupBy } from './grouping.js'
import type { History, Line, NemesisLine } from './history.js'
import type { Experience, Figures } from './steps/experience.js'

const NS_PER_S = 1e9
const LINE_LENGTH = 320

/** For people: the verdict on each invariant, what was looked at, the witnesses, and what users felt. */
export function reportOn(history: History, judgement: Judgement): string[] {
  const { run, seed } = history.header
  const origin = originOf(history)
  return [
    `run ${run}, seed ${seed}: ${judgement.ok ? 'no violation' : 'NOT ACCEPTED'}`,
    '',
    ...verdictTable(judgement),
    '',
    `The clients stood still ${history.stalls.length} times, for ${Math.round(worstStallMs(history))} ms at worst.`,
    '',
    ...judgement.violations.flatMap((violation) => witnessOf(violation, history, origin)),
    ...experienceTable(judgement.experience),
  ]
}

/** For a message: of each kind of violation the one with the shortest witness. */
export function smallestWitnesses(history: History, { violations }: Judgement): string[] {
  const origin = originOf(history)
  const kinds = groupBy(violations, ({ kind }) => kind)
  return [...kinds.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : witnessOf(
          others.reduce((least, each) => (each.witness.length < least.witness.length ? each : least), first),
          history,
          origin,
        ),
  )
}

/** The first that the history tells of; all times are shown from there. */
const originOf = ({ calls, connections }: History): number =>
  Math.min(...calls.slice(0, 1).map(({ t_invoke }) => t_invoke), ...connections.slice(0, 1).map(({ t }) => t))

export const worstStallMs = ({ stalls }: History): number =>
  stalls.reduce((worst, { start, stop }) => Math.max(worst, (stop - start) / 1e6), 0)

export function verdictTable({ verdicts, checkedBySteps }: Judgement): string[] {
  const rows = verdicts.map(({ invariant, outcome, checks, found, reason }) => {
    const steps = [...checkedBySteps]
      .flatMap(([step, counts]) => (counts.has(invariant) ? [`step ${step}: ${counts.get(invariant)}`] : []))
      .join(', ')
    const word = outcome === 'out of scope' ? `not checked: ${reason}` : outcome
    return `| ${invariant} | ${word} | ${checks} | ${found} | ${steps} |`
  })
  return ['| invariant | verdict | checks | violations | where |', '|---|---|---|---|---|', ...rows]
}

function witnessOf(violation: Violation, history: History, origin: number): string[] {
  const { kind, what, t, witness } = violation
  const { invariant, step } = KINDS[kind]
  return [
    `${invariant} ${kind} (step ${step}): ${what}`,
    ...(t === null ? [] : [`  at ${seconds(t - origin)}, fault: ${faultAt(history.faults, t)}`]),
    ...witness.map((line) => `  ${describe(line, origin)}`),
    '',
  ]
}

/** The faults that were active then, or the last one that had been healed. */
export function faultAt(faults: readonly NemesisLine[], t: number): string {
  const active = faults.filter(({ start, stop }) => start <= t && t <= stop)
  if (active.length > 0) return active.map(({ fault, target }) => `${fault} on ${target}`).join(', ')
  const last = faults.filter(({ stop }) => stop < t).sort((a, b) => b.stop - a.stop)[0]
  return last === undefined ? 'none yet' : `none; ${last.fault} was healed ${seconds(t - last.stop)} before`
}

const seconds = (ns: number): string => `${(ns / NS_PER_S).toFixed(3)} s`

function describe(line: Line, origin: number): string {
  const text = JSON.stringify(line, (key, value: unknown) =>
    (key === 't' || key.startsWith('t_') || key === 'start' || key === 'stop') && typeof value === 'number'
      ? seconds(value - origin)
      : value,
  )
  return text.length > LINE_LENGTH ? `${text.slice(0, LINE_LENGTH)}…` : text
}

function experienceTable(experience: readonly Experience[]): string[] {
  const row = (name: string, { sends, errorRatio, ackMs, renderMs }: Figures) =>
    `| ${name} | ${sends} | ${(100 * errorRatio).toFixed(2)} % | ${ms(ackMs.p50)} / ${ms(ackMs.p99)} | ${ms(renderMs.p50)} / ${ms(renderMs.p99)} |`
  return [
    '| when | acked sends | errors | send to ack p50 / p99 | send to screen p50 / p99 |',
    '|---|---|---|---|---|',
    ...experience.flatMap(({ fault, before, during, after }) =>
      fault === null
        ? [row('whole run', during)]
        : [
            row(`before ${fault.fault} on ${fault.target}`, before),
            row('during', during),
            row('after', after),
          ],
    ),
  ]
}

const ms = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(1)} ms`)
