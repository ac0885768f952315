const EVERY_MS = 3_600_000
/** Not while a server that has just come up has more urgent things to do. */
const FIRST_AFTER_MS = 60_000

type Times = { readonly firstAfterMs: number; readonly everyMs: number }

/** Has deleted what is no longer kept, once an hour. Each process of a deployment does it, on its own. */
export class Retention {
  private readonly timers: readonly NodeJS.Timeout[]
  private running: Promise<unknown> = Promise.resolve()

  constructor(
    forget: () => Promise<unknown>,
    onFailure: (error: unknown) => void,
    { firstAfterMs, everyMs }: Times = { firstAfterMs: FIRST_AFTER_MS, everyMs: EVERY_MS },
  ) {
    const run = () => {
      this.running = this.running.then(forget).catch(onFailure)
    }
    this.timers = [setTimeout(run, firstAfterMs).unref(), setInterval(run, everyMs).unref()]
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer)
    await this.running
  }
}
