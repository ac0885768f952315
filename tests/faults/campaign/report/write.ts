import type { FaultReport } from './kept-reports.js'
import { tableOf } from './table.js'

const BEGIN = '<!-- table of npm run faults -->'
const END = '<!-- end of the table -->'

/** The page with the table of these reports in its place between the two marks. */
export function withTable(page: string, reports: readonly FaultReport[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`the page has no place for the table: ${BEGIN} … ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tableOf(reports)}\n\n${page.slice(end)}`
}
