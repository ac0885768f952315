import assert from 'node:assert/strict'

/** Waits until `condition` holds, and fails with what was awaited when it does not within the deadline. */
export async function eventually(
  awaited: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const expiresAt = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > expiresAt) assert.fail(`waited ${deadlineMs} ms for ${awaited}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
