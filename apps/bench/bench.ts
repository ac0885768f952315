import type { Workspace } from './machine/workspace.js'
import type { JudgedBound } from './report/bounds.js'
import type { BenchSettings } from './settings.js'

export type BenchContext = { readonly workspace: Workspace; readonly settings: BenchSettings }

export type BenchReport = {
  /** Markdown. */
  readonly tables: readonly string[]
  readonly bounds: readonly JudgedBound[]
  /** Everything that the tables were made from. */
  readonly raw: unknown
}

/** One question about speed, answered by measuring. */
export type Bench = { readonly title: string; run(context: BenchContext): Promise<BenchReport> }
