import type { Check } from '../fault.js'
import { GIVEN_UP, USED_AGAIN } from '../faults/redis/redis-fault.js'
import { type Latency, PHASES } from './experience.js'
import type { FaultReport } from './kept-reports.js'
import { NOTICED } from './noticed.js'

const HEADINGS = [
  'fault',
  'processes',
  'seed',
  'commit',
  'verdict',
  'sends / acks / pushes',
  'refused / unanswered',
  'failed as users see it',
  'Redis given up; used again',
  'checks',
  'clients late ms',
  'ack p50 / p99 ms before, during, after',
  'delivery p50 / p99 ms before, during, after',
]

/** The reports as a Markdown table, a line each. */
export function tableOf(reports: readonly FaultReport[]): string {
  const rows = [HEADINGS, HEADINGS.map(() => '---'), ...reports.map(cellsOf)]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function cellsOf(report: FaultReport): string[] {
  const { name, title, scale, processes, seed, commit, violations, experience, checks, verdicts } = report
  const checked = [...verdicts.map((verdict) => verdict.checks), ...checks.map((check) => check.checked)]
  const counts = experience === null ? ['–', '–', '–', '–'] : null
  return [
    `${name}: ${title}${scale === null ? '' : ` (${scale})`}`,
    String(processes),
    String(seed),
    commit,
    violations.length === 0 ? 'withstood' : `**${violations.length} violations**`,
    counts?.[0] ?? `${experience?.sends} / ${experience?.acks} / ${experience?.pushes}`,
    counts?.[1] ?? `${experience?.refused} / ${experience?.unanswered}`,
    seenOf(checks, NOTICED),
    checks.some(({ name: check }) => check === GIVEN_UP || check === USED_AGAIN)
      ? `${seenOf(checks, GIVEN_UP)}; ${seenOf(checks, USED_AGAIN)}`
      : '–',
    String(checked.reduce((sum, count) => sum + count, 0)),
    String(report.stalledMs ?? '–'),
    counts?.[2] ?? PHASES.map((phase) => latencyText(experience?.ack[phase])).join(', '),
    counts?.[3] ?? PHASES.map((phase) => latencyText(experience?.delivery[phase])).join(', '),
  ]
}

const seenOf = (checks: readonly Check[], name: string): string =>
  checks.find((check) => check.name === name)?.seen ?? '–'

const latencyText = (latency: Latency | null | undefined): string =>
  latency ? `${latency.p50Ms.toFixed(0)} / ${latency.p99Ms.toFixed(0)}` : '–'
