/** Answers a function that starts `task` at most once in `everyMs`. Its failure is dropped: the next time will do. */
export function occasionally(everyMs: number, task: () => Promise<unknown>): () => void {
  let dueAt = performance.now() + everyMs
  return () => {
    if (performance.now() < dueAt) return
    dueAt = performance.now() + everyMs
    task().catch(() => undefined)
  }
}
