const pending = new Set<() => Promise<void>>()

/**
 * Runs `undo` once: when what is answered here is called, or when a signal ends the bench before. Processes and folders that
 * the bench has made are undone so, the latest first.
 */
export function undoing(undo: () => Promise<void>): () => Promise<void> {
  const once = async () => {
    if (pending.delete(once)) await undo()
  }
  pending.add(once)
  return once
}

async function undoAll(signal: NodeJS.Signals): Promise<void> {
  for (const undo of [...pending].reverse())
    await undo().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  process.exit(signal === 'SIGINT' ? 130 : 143)
}

export function undoAtSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void undoAll(signal))
}
