import type { Header, Suspendable } from '../checker/history.js'
import type { Draw } from './draw.js'
import type { Topology, WorkloadShape } from './shape.js'
import type { World } from './world.js'

export type { Topology, WorkloadShape }

/** Processes and seconds that a run was asked for; a fault may need more. Of its people each has one device, `d1` to the last. */
export type Scene = { readonly processes: number; readonly seconds: number; readonly people: number }

/** One entry of the schedule: plain data, drawn from the seed alone, so that two runs of one seed can be compared. */
export type Step = {
  /** From the end of the warm-up. */
  readonly atMs: number
  /** How long it lasts until it is healed; 0 where there is nothing to heal. */
  readonly forMs: number
  /** What happens, where a fault knows several things, e.g. `SIGSTOP`. */
  readonly act: string
  /** To what: an instance (`i1`), a room or client by number, `postgres`. */
  readonly target: string
  /** See `NemesisLine`: what the step makes meaningless while it lasts, for what its target saw. */
  readonly suspends?: readonly Suspendable[]
  /** The process that is the target dies without a goodbye. */
  readonly kills?: boolean
  /** Redis cannot be used meanwhile, so that the contract's longer bounds hold. */
  readonly redis?: 'away'
}

/** Something that a fault must show besides the invariants. No check at all is a failure, as everywhere. */
export type Check = {
  readonly name: string
  /** How many things were looked at. */
  readonly checked: number
  readonly violations: readonly string[]
  /** A figure for the report, e.g. `all back after 4.1 s`. */
  readonly seen?: string
}

export type Heal = () => Promise<void> | void

/**
 * When a step is in force. It is from the call of `inject` to the end of the heal, unless the run marks it closer, as it must
 * where it has something to prepare or to wait for besides the fault: what a step suspends is not judged meanwhile.
 */
export interface Moments {
  began(): void
  over(): void
}

/** One run of a fault; it may keep what it needs between its steps and its checks. */
export interface FaultRun {
  /** Before the warm-up ends: e.g. connect the hundred clients that will stop to read. */
  prepare?(): Promise<void>
  /** Begins a step. What it answers heals it, `forMs` later. */
  inject(step: Step, moments: Moments): Promise<Heal | undefined>
  /** After the last heal and before the world is at rest: e.g. how long until all are back. */
  afterHeal?(): Promise<void>
  /** When the world is at rest. */
  checks?(): Promise<readonly Check[]>
}

export interface Fault {
  /** As in `npm run faults -- N1-before-commit`; the part before the first `-` is its number in docs/cases.md. */
  readonly name: string
  readonly title: string
  /** With what figures it was scaled to a small machine, for the table. */
  readonly scale?: string
  readonly topology?: Partial<Topology>
  readonly workload?: Partial<WorkloadShape>
  /** Invariants that a run of it cannot judge, and why; see `Header`. */
  readonly outOfScope?: NonNullable<Header['outOfScope']>
  /** Users must not notice it: no call fails that a user would see, and messages arrive in time, where that is given. */
  readonly unnoticed?: { readonly deliveredWithinMs: number | null }
  /** What its servers log as errors because they must. */
  readonly errors?: RegExp
  /** Members of each room that read its log at every instance at the end, the others at one; by default all of them. */
  readonly readersPerRoom?: number
  /** Pure: the same draw and scene, the same steps. */
  schedule(draw: Draw, scene: Scene): readonly Step[]
  start(world: World): FaultRun
}

/** A fault that brings its own servers and its own judgement. */
export interface StandaloneFault {
  readonly name: string
  readonly title: string
  readonly scale?: string
  run(options: StandaloneOptions): Promise<StandaloneReport>
}

export type StandaloneOptions = { readonly seed: number; readonly say: (line: string) => void }

export type StandaloneReport = { readonly checks: readonly Check[] }

export const isStandalone = (fault: Fault | StandaloneFault): fault is StandaloneFault => 'run' in fault

export const needsRedis = (fault: Fault | StandaloneFault): boolean =>
  !isStandalone(fault) && fault.topology?.redis != null

export const numberOf = ({ name }: Pick<Fault, 'name'>): string => name.split('-')[0] ?? name
