import type { RunnerTask, RunnerTestCase } from 'vitest'
import { afterEach, beforeEach } from 'vitest'

/** Runs as a setup file, so that its hooks are those of every test of the file. */
const waiting: (() => void)[] = []
let running = 0
let isInTheMiddle = false

beforeEach(({ task }) => {
  running += 1
  const tests = testsIn(task.file.tasks)
  isInTheMiddle ||= tests.indexOf(task) >= Math.floor((tests.length - 1) / 2)
  if (isInTheMiddle) for (const tell of waiting.splice(0)) tell()
})
afterEach(() => {
  running -= 1
})

/** Tells at once while a test runs, and else when the test in the middle of those of the file begins. */
export function whenInTheMiddle(tell: () => void): void {
  if (running > 0 || isInTheMiddle) tell()
  else waiting.push(tell)
}

const testsIn = (tasks: readonly RunnerTask[]): RunnerTestCase[] =>
  tasks.flatMap((task) => {
    if (task.type === 'suite') return testsIn(task.tasks)
    return task.mode === 'skip' || task.mode === 'todo' ? [] : [task]
  })
