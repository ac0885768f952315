// Prints the counts of a vitest JSON report as the last line. Usage: node count.mjs REPORT STATUS-OF-THE-RUN
import { readFileSync } from 'node:fs'

const [, , path, status] = process.argv

function counts() {
  const text = readFileSync(path, 'utf8')
  if (text === '') return { passed: 0, failed: 1, skipped: 0 }
  const report = JSON.parse(text)
  // A file that could not be loaded or set up failed without any failed test to count.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

const { passed, failed, skipped } = counts()
if (failed === 0 && status !== '0') process.stdout.write('The tests passed, but a step of this run failed.\n')
if (passed === 0) process.stdout.write('No test passed.\n')
process.exitCode = failed > 0 || status !== '0' || passed === 0 ? 1 : 0
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
