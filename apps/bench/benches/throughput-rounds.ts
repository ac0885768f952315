import type { Scene } from '../arena.js'
import type { StepResult } from '../load/protocol.js'
import type { Sustained } from '../sustained-rate.js'
import type { SystemName } from '../systems/system.js'

/** At least so many times what each of these systems sustains. */
export type OverBounds = Partial<Record<SystemName, number>>

export type ThroughputBench = {
  readonly name: string
  readonly title: string
  readonly scene: Scene
  /** Where the search begins; a rate that does not hold only costs more steps. */
  readonly startPerSecond: Record<SystemName, number>
  readonly unit: string
  /** How many of the unit a message makes. */
  readonly unitsPerMessage: number
  readonly bounds: OverBounds
  /** Whether the latency far below the limit is measured too. */
  readonly latency: boolean
}

export type ThroughputRound = { readonly round: number; readonly system: SystemName } & Sustained

export type LatencyRound = {
  readonly round: number
  readonly system: SystemName
  /** `own`: a tenth of the system's own limit; `common`: a tenth of the lower limit of the two. */
  readonly load: 'own' | 'common'
  readonly step: StepResult
}
