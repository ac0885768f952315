import type { Bench } from '../bench.js'
import { type Profiled, RETURNING, STARTING, steadyLoad } from '../profile/profiled.js'
import { COMING_BACK } from './coming-back.js'
import { HISTORY } from './history.js'
import { HOT_READS } from './hot-reads.js'
import { IDLE_MEMORY } from './memory.js'
import { SECOND_INSTANCE } from './second-instance.js'
import { START } from './start.js'
import { FAN_OUT, HOT_ROOM, runThroughput, SMALL_ROOMS } from './throughput.js'
import type { ThroughputBench } from './throughput-rounds.js'

const THROUGHPUT = [FAN_OUT, SMALL_ROOMS, HOT_ROOM]

const throughput = (bench: ThroughputBench): Bench => ({
  title: bench.title,
  run: (context) => runThroughput(bench, context),
})

/** By the name on the command line, in the order in which they run. */
export const BENCHES: ReadonlyMap<string, Bench> = new Map([
  ...THROUGHPUT.map((bench) => [bench.name, throughput(bench)] as const),
  ['idle-memory', IDLE_MEMORY],
  ['coming-back', COMING_BACK],
  ['start', START],
  ['history', HISTORY],
  ['hot-reads', HOT_READS],
  ['second-instance', SECOND_INSTANCE],
])

/** Those whose work a server can be profiled at. */
export const PROFILED: ReadonlyMap<string, Profiled> = new Map([
  ...THROUGHPUT.map((bench) => [bench.name, steadyLoad(bench)] as const),
  ['coming-back', RETURNING],
  ['start', STARTING],
])
