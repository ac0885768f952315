import { it } from 'vitest'
import { startInMemory } from './room-world.js'
import { proveCommits, proveReplay } from './snapshot-properties.js'

const BOUNDS = { commands: 40, runs: 60 }

it('from every moment, the log as it reads at the end leads to the last snapshot', () =>
  proveReplay(startInMemory, BOUNDS))

it('from the first moment, the events as they were committed lead to every later snapshot', () =>
  proveCommits(startInMemory, BOUNDS))
