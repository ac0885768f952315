import { parseArgs } from 'node:util'
import { BENCHES, PROFILED } from './benches/index.js'
import { SYSTEMS, type SystemName } from './systems/system.js'

export const USAGE = `npm run bench -- [NAMES] [--rounds 3] [--quick]
  names: ${[...BENCHES.keys()].join(', ')}; without one, all of them
  --quick: steps so short that the figures mean nothing, to see that it works
npm run bench -- NAME --profile [--rate MESSAGES_PER_SECOND] [--seconds 5] [--system parley]
  names: ${[...PROFILED.keys()].join(', ')}; systems: ${SYSTEMS.join(', ')}
npm run bench -- --page docs/performance.md RESULTS.json...
  puts the tables of these runs into the page`

export type Options = {
  readonly names: readonly string[]
  /** A page to put results into; `names` are the files of results then. */
  readonly page: string | null
  readonly quick: boolean
  /** Null: as many as the bench takes by itself. */
  readonly rounds: number | null
  readonly profile: {
    readonly perSecond: number
    readonly seconds: number
    readonly system: SystemName
  } | null
}

/** Throws with one line for whoever typed it. */
export function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      page: { type: 'string' },
      rate: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '5' },
      system: { type: 'string', default: 'parley' },
    },
  })
  if (values.page !== undefined) {
    if (positionals.length === 0) throw new Error('--page takes files of results')
    return { names: positionals, page: values.page, quick: false, rounds: null, profile: null }
  }
  const known: ReadonlyMap<string, unknown> = values.profile ? PROFILED : BENCHES
  const names = positionals.length > 0 ? positionals : [...known.keys()]
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined) throw new Error(`there is no bench "${unknown}" here`)
  const rounds = values.rounds === undefined ? null : positive('--rounds', values.rounds)
  if (!values.profile) return { names, page: null, quick: values.quick, rounds, profile: null }
  const system = SYSTEMS.find((name) => name === values.system)
  if (system === undefined) throw new Error(`there is no system "${values.system}"`)
  const perSecond = positive('--rate', values.rate)
  return {
    names,
    page: null,
    quick: false,
    rounds,
    profile: { perSecond, seconds: positive('--seconds', values.seconds), system },
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (text === '' || !(value > 0)) throw new Error(`${name} takes a number above 0`)
  return value
}
