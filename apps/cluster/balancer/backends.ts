/** A server behind the balancer. */
export type Backend = {
  readonly url: string
  /** Whether it says that it can work. One that does not keeps its sessions and gets no new ones. */
  isReady: boolean
}

type Entry = { open: number; turn: number }
type Session = { readonly backend: Backend; readonly usedMs: number }

/** More than Socket.io's ping interval and timeout (45 s), after which the server itself forgets a session that says nothing. */
const SESSION_KEPT_MS = 120_000
const SESSIONS_MAX = 100_000

/** Which server gets what: a session stays where it began, all else goes where the fewest requests and sockets are open. */
export class Backends {
  private readonly entries = new Map<Backend, Entry>()
  /** The one that was not used for longest comes first. */
  private readonly sessions = new Map<string, Session>()
  private turn = 0

  constructor(private readonly nowMs: () => number) {}

  get size(): number {
    return this.entries.size
  }

  add(backend: Backend): void {
    this.entries.set(backend, { open: 0, turn: 0 })
  }

  /** It is gone, and its sessions with it: whoever comes with one is let begin anew elsewhere. */
  remove(backend: Backend): void {
    this.entries.delete(backend)
    for (const [id, session] of this.sessions) if (session.backend === backend) this.sessions.delete(id)
  }

  /** The server for a request, with the id of the session that it names; null where none is ready. */
  choose(sessionId: string | null): Backend | null {
    const session = sessionId === null ? undefined : this.sessions.get(sessionId)
    if (sessionId !== null && session !== undefined) {
      this.remember(sessionId, session.backend)
      return session.backend
    }
    return this.leastBusy()
  }

  /** Where a session began. Those that nobody has used for long are forgotten. */
  remember(sessionId: string, backend: Backend): void {
    if (!this.entries.has(backend)) return
    const nowMs = this.nowMs()
    this.sessions.delete(sessionId)
    this.sessions.set(sessionId, { backend, usedMs: nowMs })
    for (const [id, { usedMs }] of this.sessions) {
      if (nowMs - usedMs <= SESSION_KEPT_MS && this.sessions.size <= SESSIONS_MAX) break
      this.sessions.delete(id)
    }
  }

  /** Counts something open there until what is answered here is called. */
  occupy(backend: Backend): () => void {
    const entry = this.entries.get(backend)
    if (entry === undefined) return () => undefined
    this.turn += 1
    entry.turn = this.turn
    entry.open += 1
    return () => {
      entry.open -= 1
    }
  }

  /** Of equally busy ones, the one whose turn was longest ago. */
  private leastBusy(): Backend | null {
    let best: { backend: Backend; entry: Entry } | null = null
    for (const [backend, entry] of this.entries) {
      if (!backend.isReady) continue
      const isBetter =
        best === null ||
        entry.open < best.entry.open ||
        (entry.open === best.entry.open && entry.turn < best.entry.turn)
      if (isBetter) best = { backend, entry }
    }
    return best?.backend ?? null
  }
}
