import { type Fault, numberOf, type StandaloneFault } from './fault.js'
import { WrongUsage } from './options.js'

/** Faults by name or by number, in the order of the list; all of them where none is named. */
export function selectFaults<F extends Fault | StandaloneFault>(
  all: readonly F[],
  names: readonly string[],
): readonly F[] {
  const matches = (fault: F, name: string) => fault.name === name || numberOf(fault) === name
  const unknown = names.filter((name) => !all.some((fault) => matches(fault, name)))
  if (unknown.length > 0)
    throw new WrongUsage(
      `no such fault: ${unknown.join(', ')}. There are: ${all.map(({ name }) => name).join(', ')}`,
    )
  return names.length === 0 ? all : all.filter((fault) => names.some((name) => matches(fault, name)))
}
