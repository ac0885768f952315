import { isStandalone } from '../campaign/fault.js'
import { FAULTS } from '../campaign/faults/index.js'
import { runFault } from '../campaign/run-fault.js'
import { checkHistory } from '../checker/check-history.js'
import { KINDS } from '../checker/findings.js'
import { readHistory } from '../checker/history-file.js'
import type { Mutant } from './mutants.js'
import { plant } from './plant.js'

export type HuntOptions = {
  readonly seed: number
  readonly seconds: number
  readonly folder: string
  readonly say: (line: string) => void
}

export type Hunt = {
  readonly caught: boolean
  /** The kinds of violations of the invariants that it must break, with how often each was found. */
  readonly by: string
  readonly witness: string
  readonly historyPath: string | null
}

/** A bug shows in a small world as well, and sooner. */
const FEWER = { people: 10, spies: 2, rooms: { hot: 1, warm: 3, cold: 4 } }

/** Runs a mutant under its fault, and sees whether the checker tells from the history what is wrong with it. */
export async function runMutant(mutant: Mutant, { seed, seconds, folder, say }: HuntOptions): Promise<Hunt> {
  const fault = FAULTS.find(({ name }) => name === mutant.fault)
  if (fault === undefined || isStandalone(fault)) throw new Error(`there is no fault ${mutant.fault}`)
  const main = await plant(mutant)
  const mutated = {
    ...fault,
    topology: { ...fault.topology, main },
    workload: { ...FEWER, ...fault.workload },
  }
  const { historyPath } = await runFault({ fault: mutated, seed, processes: 2, seconds, folder, say })
  if (historyPath === null) throw new Error('a run of a fault has a history')
  const { counts, violations } = checkHistory(await readHistory(historyPath))
  const kinds = [...counts].filter(([kind]) => mutant.breaks.includes(KINDS[kind].invariant))
  const first = violations.find(({ kind }) => mutant.breaks.includes(KINDS[kind].invariant))
  return {
    caught: kinds.length > 0,
    by: kinds.map(([kind, count]) => `${KINDS[kind].invariant} ${kind} (${count})`).join(', '),
    witness: first?.what ?? '–',
    historyPath,
  }
}
