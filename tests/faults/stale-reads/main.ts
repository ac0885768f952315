import { parseArgs } from 'node:util'
import { migrate } from '../../../adapters/postgres/index.js'
import { startEmbeddedPostgres } from '../../../apps/server/embedded-postgres/index.js'
import { temporaryDirectory } from '../../support/postgres-cluster.js'
import { REDIS_PROGRAM, redisVersion } from '../../support/redis-server.js'
import { watchReads } from './watch-reads.js'

/** `npm run faults:stale -- --reads 1000000 [--seed 7]`; exits with 1 where a read was stale. */
const { values } = parseArgs({
  options: { reads: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
})
const [reads, seed] = [Number(values.reads), Number(values.seed)]
if (!(reads > 0) || !Number.isInteger(seed)) {
  process.stderr.write('--reads takes a number above 0, and --seed a whole number\n')
  process.exit(2)
}
if (redisVersion() !== null) {
  const directory = await temporaryDirectory()
  const postgres = await startEmbeddedPostgres({ dataDir: directory.dataDir })
  try {
    await migrate(postgres.url)
    const report = await watchReads({ databaseUrl: postgres.url, reads, seed })
    const { writes, returns, stale, witnesses, answers } = report
    process.stdout.write(
      `${report.reads} reads after ${writes} writes while Redis returned old ${returns} times: ${stale} stale\n` +
        `answered from memory ${answers.memory}, from Redis ${answers.redis}; ` +
        `${answers.staleRefused} older entries refused, ${answers.switches} switches\n`,
    )
    for (const witness of witnesses) process.stdout.write(`  ${witness}\n`)
    if (stale > 0) process.exitCode = 1
  } finally {
    await postgres.stop()
    await directory.remove()
  }
} else {
  process.stdout.write(`Skipped, because there is no ${REDIS_PROGRAM} (REDIS_SERVER_PATH).\n`)
  if (process.env.CI === 'true') process.exitCode = 1
}
