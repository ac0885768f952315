/** The parts of the browser that are used here; elsewhere they are missing. */
type Page = {
  readonly addEventListener?: (name: 'online', run: () => void) => void
  readonly removeEventListener?: (name: 'online', run: () => void) => void
}

/** Calls back when the browser has a network again, as far as it tells; answers how to stop. */
export function wakeOnReturn(run: () => void): () => void {
  const page = globalThis as Page
  page.addEventListener?.('online', run)
  return () => page.removeEventListener?.('online', run)
}
