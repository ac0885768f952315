import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, BenchReport } from '../bench.js'
import {
  AT_ONCE,
  KINDS,
  type Kind,
  type ReadingPlan,
  type ReadingResult,
  TIERS,
  type Tier,
} from '../hot-reads/protocol.js'
import { spawnOn } from '../machine/pinning.js'
import { undoing } from '../machine/undoing.js'
import { judge } from '../report/bounds.js'
import { median, rounded, spread } from '../report/numbers.js'
import { table } from '../report/table.js'

const MAIN = fileURLToPath(new URL('../hot-reads/main.js', import.meta.url))

/** At least so many times as fast as the same use case straight from Postgres. */
const AT_LEAST = { Redis: 2, memory: 100 } as const

/** Reads through the whole use case, access check included, by where the process remembers what was read before. */
export const HOT_READS: Bench = {
  title: 'Hot reads from memory, from Redis and from Postgres',
  async run({ workspace, settings }): Promise<BenchReport> {
    const { rounds, quick, say } = settings
    const { authSecret } = workspace
    const measureMs = quick ? 200 : 3_000
    const result = await readIn({ dataDir: join(workspace.path, 'hot-reads'), authSecret, rounds, measureMs })
    if (!result.hasRedis) say('There is no redis-server here, so nothing is read from Redis.')
    return report(result)
  },
}

async function readIn(plan: ReadingPlan): Promise<ReadingResult> {
  const child = spawnOn('server', [MAIN], { channel: true })
  const stop = undoing(async () => void child.kill())
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the readers ended with ${code}`)
  })
  child.send(plan)
  const [result] = (await Promise.race([once(child, 'message'), ended])) as [ReadingResult]
  ended.catch(() => undefined)
  await stop()
  return result
}

function report({ rounds, hasRedis }: ReadingResult): BenchReport {
  const of = (kind: Kind, tier: Tier, atOnce: number) =>
    rounds.flatMap((round) =>
      round.kind === kind && round.tier === tier && round.atOnce === atOnce ? [round.perSecond] : [],
    )
  const ratio = (kind: Kind, tier: Tier, atOnce: number) =>
    median(of(kind, tier, atOnce)) / median(of(kind, 'Postgres', atOnce))
  const tiers = TIERS.filter((tier) => tier !== 'Redis' || hasRedis)
  const rows = KINDS.flatMap((kind) =>
    AT_ONCE.flatMap((atOnce) =>
      tiers.map((tier) => [
        kind,
        String(atOnce),
        tier,
        spread(of(kind, tier, atOnce)),
        rounded(ratio(kind, tier, atOnce)),
      ]),
    ),
  )
  const bounds = KINDS.flatMap((kind) =>
    tiers.flatMap((tier) =>
      tier === 'Postgres'
        ? []
        : [
            judge({
              what: `${kind} from ${tier} over Postgres, one at a time`,
              value: ratio(kind, tier, 1),
              atLeast: AT_LEAST[tier],
            }),
          ],
    ),
  )
  return {
    tables: [table(['read', 'at once', 'from', 'reads/s', 'over Postgres'], rows)],
    bounds,
    raw: rounds,
  }
}
