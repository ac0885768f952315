import { type Fault, needsRedis, numberOf, type StandaloneFault } from './fault.js'
import { WrongUsage } from './options.js'

/** All whose servers have a Redis. */
const WITH_REDIS = 'redis'

/** Faults by name, by number or as a group, in the order of the list; all of them where none is named. */
export function selectFaults<F extends Fault | StandaloneFault>(
  all: readonly F[],
  names: readonly string[],
): readonly F[] {
  const matches = (fault: F, name: string) =>
    fault.name === name || numberOf(fault) === name || (name === WITH_REDIS && needsRedis(fault))
  const unknown = names.filter((name) => !all.some((fault) => matches(fault, name)))
  if (unknown.length > 0)
    throw new WrongUsage(
      `no such fault: ${unknown.join(', ')}. There are: ${all.map(({ name }) => name).join(', ')}`,
    )
  return names.length === 0 ? all : all.filter((fault) => names.some((name) => matches(fault, name)))
}
