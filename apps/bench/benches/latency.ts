import type { Contender } from '../arena.js'
import { median } from '../report/numbers.js'
import type { BenchSettings } from '../settings.js'
import type { SystemName } from '../systems/system.js'
import type { LatencyRound, ThroughputRound } from './throughput-rounds.js'
import { rest } from './turns.js'

const COMPARED: readonly SystemName[] = ['naive', 'parley']
const SHARE = 0.1
/** Of the length of other steps: at a tenth of the rate there are fewer messages to judge by. */
const STEPS = 2

/** How long an ack takes far below the limit, of Parley and of one transaction a message, in turn. */
export async function measureLatency(
  contenders: readonly Contender[],
  limits: readonly ThroughputRound[],
  settings: BenchSettings,
): Promise<LatencyRound[]> {
  const { rounds, stepMs } = settings
  const tenthOf = (system: SystemName) =>
    SHARE * median(limits.flatMap((limit) => (limit.system === system ? (limit.best?.perSecond ?? []) : [])))
  const common = Math.min(...COMPARED.map(tenthOf))
  const measured: LatencyRound[] = []
  // One of the two held no rate at all.
  if (!Number.isFinite(common)) return measured
  for (let round = 1; round <= rounds; round += 1) {
    for (const contender of contenders.filter(({ name }) => COMPARED.includes(name))) {
      const system = contender.name
      await rest(`the latency of ${system}`, settings)
      const run = (perSecond: number) => contender.step(perSecond, stepMs * STEPS)
      measured.push({ round, system, load: 'own', step: await run(tenthOf(system)) })
      measured.push({ round, system, load: 'common', step: await run(common) })
    }
  }
  return measured
}
