import { LET_IN } from './let-in.js'
import type { Mutator } from './mutator.js'
import { OWED } from './owed.js'
import { SEEN } from './seen.js'
import { STORED } from './stored.js'

export type { Mutator } from './mutator.js'
/** By what a system does that is spoilt like that. */
export const MUTATORS: Readonly<Record<string, Mutator>> = { ...STORED, ...SEEN, ...LET_IN, ...OWED }
