import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { REDIS_PROGRAM, redisVersion } from '../support/redis-server.js'
import { soak } from './campaign/faults/redis/soak.js'
import { tableOf } from './campaign/report/table.js'
import { runFault } from './campaign/run-fault.js'

/** `npm run soak -- [--minutes 20] [--seed 1] [--processes 3]`; exits with 1 where anything was violated. */
const FOLDER = resolve('dist/faults-runs')

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '3' },
  },
})
const [minutes, seed, processes] = [values.minutes, values.seed, values.processes].map(Number)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

if (!minutes || minutes < 1 || !Number.isInteger(seed) || !processes || processes < 2 || processes > 5) {
  process.stderr.write('--minutes takes 1 or more, --seed a whole number, --processes 2 to 5\n')
  process.exitCode = 2
} else if (redisVersion() === null) {
  say(`Skipped, because there is no ${REDIS_PROGRAM} (REDIS_SERVER_PATH).`)
  if (process.env.CI === 'true') process.exitCode = 1
} else {
  await mkdir(FOLDER, { recursive: true })
  const seconds = Math.round(minutes * 60)
  const report = await runFault({ fault: soak, seed: seed ?? 1, processes, seconds, folder: FOLDER, say })
  for (const violation of report.violations) say(`VIOLATION ${violation}`)
  for (const { name, seen } of report.checks) if (seen !== undefined) say(`${name}: ${seen}`)
  for (const { invariant, checks } of report.verdicts) say(`${invariant}: ${checks} checks`)
  say(`\n${tableOf([report])}`)
  if (report.violations.length > 0) process.exitCode = 1
}
