import { parseArgs } from 'node:util'

export type CampaignOptions = {
  /** Names of faults, their numbers (`N1` takes every N1-…), or `redis`; empty: all. */
  readonly names: readonly string[]
  readonly seed: number
  /** One run each. */
  readonly processes: readonly number[]
  /** Under load, from the end of the warm-up; a fault may need more. */
  readonly seconds: number
  /** Print the schedules and do nothing. */
  readonly dry: boolean
  /** Run nothing, and show the newest report of each fault that was kept. */
  readonly table: boolean
  /** Put the newest reports of all that was run into docs/reliability.md. */
  readonly write: boolean
}

export const USAGE = `npm run faults -- [FAULT …] [--seed NUMBER] [--processes 2,3] [--seconds NUMBER] [--dry | --table] [--write]

FAULT is a name (N1-before-commit), a number (N1, C3), or \`redis\`: all whose servers have a Redis; none means all of them.
Those need a \`redis-server\` (REDIS_SERVER_PATH), without which they are skipped; under CI=true that is a failure.
--dry prints the schedules and runs nothing; --table shows the newest reports that are kept in dist/faults-runs, and
--write puts these into docs/reliability.md.`

export class WrongUsage extends Error {}

export function readOptions(args: readonly string[]): CampaignOptions {
  const { values, positionals } = parse(args)
  const seed = numberOf('--seed', values.seed)
  const seconds = numberOf('--seconds', values.seconds)
  const processes = values.processes.split(',').map((count) => numberOf('--processes', count))
  if (seconds < 5) throw new WrongUsage('--seconds: at least 5')
  if (processes.some((count) => count < 2 || count > 5)) throw new WrongUsage('--processes: 2 to 5')
  return {
    names: positionals,
    seed,
    seconds,
    processes,
    dry: values.dry,
    table: values.table,
    write: values.write,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string', default: '1' },
        processes: { type: 'string', default: '2,3' },
        seconds: { type: 'string', default: '20' },
        dry: { type: 'boolean', default: false },
        table: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error))
  }
}

function numberOf(name: string, text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isInteger(number) || number < 0)
    throw new WrongUsage(`${name}: not a whole number: ${text}`)
  return number
}
