import { checkHistory } from './check-history.js'
import { readHistory } from './history-file.js'
import { reportOn } from './report.js'

/** `npm run faults:check -- FILE...`: judges histories, and exits with 1 if one of them is not accepted. */
const files = process.argv.slice(2)
if (files.length === 0) {
  process.stderr.write('Which history? npm run faults:check -- FILE...\n')
  process.exit(2)
}
for (const file of files) {
  const history = await readHistory(file)
  const judgement = checkHistory(history)
  process.stdout.write(`${reportOn(history, judgement).join('\n')}\n`)
  if (!judgement.ok) process.exitCode = 1
}
