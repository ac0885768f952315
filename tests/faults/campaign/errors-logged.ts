import type { Check, Fault } from './fault.js'
import type { Instance } from './parts.js'

/** Of pino: `error`, and above it `fatal`. */
const ERROR_LEVEL = 50

/** A server logs as an error what it takes for a bug of its own; whatever others do to it is a warning. */
export const errorsLogged = (
  instances: readonly Pick<Instance, 'name' | 'output'>[],
  { errors }: Pick<Fault, 'errors'>,
): Check => ({
  name: 'no server logs an error',
  checked: instances.length,
  violations: instances.flatMap(({ name, output }) =>
    output()
      .split('\n')
      .filter((line) => isError(line) && !errors?.test(line))
      .map((line) => `${name}: ${line}`),
  ),
})

function isError(line: string): boolean {
  const [, level] = /^\{"level":(\d+),/.exec(line) ?? []
  return Number(level ?? 0) >= ERROR_LEVEL
}
