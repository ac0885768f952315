import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithParent } from './end-with-parent.js'

export type KeepingOptions = {
  /** As it stands at the beginning of a sentence. */
  readonly name: string
  /** In a process group of its own, so that a Ctrl-C in the terminal reaches this process alone. */
  readonly launch: () => ChildProcess
  /** Resolves once it serves, with where it does. It need not settle if the process ends before. */
  readonly serves: (child: ChildProcess) => Promise<string>
  /** Each time that it serves. */
  readonly onUp: (address: string, pid: number) => void
  /** Each time that it has ended after that. */
  readonly onDown: () => void
  readonly say: (line: string) => void
}

const SERVES_WITHIN_MS = 60_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** Who has run for so long does not end at once again. */
const STEADY_MS = 30_000

/** A process that is started again whenever it ends, later each time that it ends soon. */
export class KeptProcess {
  private child: ChildProcess | null = null
  private ended: Promise<string> = Promise.resolve('')
  private keeping: Promise<void> = Promise.resolve()
  private readonly stopping = new AbortController()

  constructor(private readonly options: KeepingOptions) {}

  /** Resolves once it serves; rejects if it ends before, and then it is not started again. */
  async start(): Promise<void> {
    await this.run()
    this.keeping = this.keep()
  }

  /** SIGTERM, and after `patienceMs` SIGKILL; resolves when it is gone. Also while it starts. */
  async stop(patienceMs: number): Promise<void> {
    this.stopping.abort()
    const { child } = this
    if (child !== null) {
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await this.ended
      clearTimeout(cut)
    }
    await this.keeping
  }

  /** Resolves when it serves. */
  private async run(): Promise<void> {
    const { name, launch, serves, onUp } = this.options
    if (this.stopping.signal.aborted) throw new Error(`${name} is not wanted any more`)
    const child = launch()
    const { pid } = child
    this.child = child
    this.ended = endOf(child)
    if (pid !== undefined) endWithParent(child, pid)
    const cut = setTimeout(() => child.kill('SIGKILL'), SERVES_WITHIN_MS)
    const address = await Promise.race([serves(child), this.ended.then((end) => ({ end }))])
    clearTimeout(cut)
    if (typeof address !== 'string') throw new Error(`${name} ended before it was ready (${address.end})`)
    onUp(address, pid ?? 0)
  }

  private async keep(): Promise<void> {
    const { name, onDown, say } = this.options
    const { signal } = this.stopping
    let pauseMs = FIRST_PAUSE_MS
    for (;;) {
      const upSinceMs = performance.now()
      const end = await this.ended
      onDown()
      if (signal.aborted) return
      if (performance.now() - upSinceMs > STEADY_MS) pauseMs = FIRST_PAUSE_MS
      say(`${name} has ended (${end}): it is started again.`)
      do {
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
        if (signal.aborted) return
      } while (!(await this.runAgain()))
    }
  }

  private async runAgain(): Promise<boolean> {
    try {
      await this.run()
      return true
    } catch (error) {
      if (!this.stopping.signal.aborted)
        this.options.say(error instanceof Error ? error.message : String(error))
      return false
    }
  }
}

/** How it ended, in a word; it never rejects. */
const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
