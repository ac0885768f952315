import type { Cancel, ClockPort } from '../../core/ports/clock-port.js'
import { PortUnavailable } from '../../core/ports/port-unavailable.js'
import { NOT_UP, RedisFailure, saysRedisIsUnwell, translate } from './errors.js'

/**
 * `suspect`: a command has failed, and a probe is under way. `down`: that failed as well, or commands have failed too often although
 * probes succeeded. Commands are sent while `up` alone.
 */
export type RedisState = 'up' | 'suspect' | 'down'

export type RedisHealthOptions = {
  /** The pause before the next probe of a Redis that is down, at first. */
  readonly pauseMs?: number
  /** What the pause grows to while Redis keeps failing. */
  readonly longestPauseMs?: number
  /** Up for so long, and the pause is the first one again. */
  readonly steadyAfterMs?: number
  /** How many probes in a row have to succeed after one has failed. */
  readonly probesToTrust?: number
  /** So many doubts within `doubtsWithinMs`, each cleared by its probe, and Redis is left alone for `openMs` at a time. */
  readonly doubtsToOpen?: number
  readonly doubtsWithinMs?: number
  readonly openMs?: number
}

const DEFAULTS = {
  pauseMs: 250,
  longestPauseMs: 2_000,
  steadyAfterMs: 30_000,
  probesToTrust: 2,
  doubtsToOpen: 3,
  doubtsWithinMs: 30_000,
  openMs: 5_000,
}

/** Processes that lost the same Redis must not all come back to it in one moment. */
const JITTER = 0.2

/**
 * Whether Redis can be used: one for all adapters of a process, so that only the calls of one moment wait for a Redis that does not
 * answer, and whoever comes after them is told at once. Only a probe finds it well again; no user waits for that.
 */
export class RedisHealth {
  private current: RedisState = 'suspect'
  private changedAtMs: number
  private changes = 0
  private pauseMs: number
  private successes = 0
  private failed = false
  /** When commands failed of late whose probe then succeeded, ms since the Unix epoch. */
  private clearedDoubtsMs: number[] = []
  private waiting: Cancel | null = null
  private closed = false
  private readonly settings: Required<RedisHealthOptions>
  private readonly listeners = new Set<(state: RedisState) => void>()

  /** `probe` resolves where Redis answers and takes writes. It has its own deadline. */
  constructor(
    private readonly clock: ClockPort,
    private readonly probe: () => Promise<unknown>,
    options: RedisHealthOptions = {},
  ) {
    this.settings = { ...DEFAULTS, ...options }
    this.pauseMs = this.settings.pauseMs
    this.changedAtMs = clock.nowMs()
  }

  get state(): RedisState {
    return this.current
  }

  /** When the present state began, ms since the Unix epoch. */
  get sinceMs(): number {
    return this.changedAtMs
  }

  /** How often it came up or went away. */
  get switches(): number {
    return this.changes
  }

  isUp(): boolean {
    return this.current === 'up'
  }

  /** Begins to probe; resolves after the first probe. Nothing is sent before one has succeeded. */
  start(): Promise<void> {
    return this.examine()
  }

  /** Told of each change of state, after it. */
  onChange(listener: (state: RedisState) => void): () => void {
    const own = (state: RedisState) => listener(state)
    this.listeners.add(own)
    return () => this.listeners.delete(own)
  }

  /**
   * Runs a command, or throws PortUnavailable at once while Redis is not up. A failure makes Redis suspect, unless it is a reply that
   * speaks of the command alone.
   */
  async call<T>(port: string, command: () => Promise<T>): Promise<T> {
    if (this.current !== 'up')
      throw new PortUnavailable(port, new RedisFailure(NOT_UP, `Redis is ${this.current}`))
    const { changes } = this
    try {
      return await command()
    } catch (error) {
      const translated = translate(port, error)
      // What was sent before an outage says nothing about the time after it.
      if (translated instanceof PortUnavailable && changes === this.changes)
        if (saysRedisIsUnwell(translated.cause)) this.doubt()
      throw translated
    }
  }

  /** Something went wrong: no more commands until a probe succeeds. */
  doubt(): void {
    if (this.current !== 'up' || this.closed) return
    const { steadyAfterMs, pauseMs, doubtsToOpen, doubtsWithinMs } = this.settings
    const nowMs = this.clock.nowMs()
    if (nowMs - this.changedAtMs >= steadyAfterMs) this.pauseMs = pauseMs
    this.clearedDoubtsMs = this.clearedDoubtsMs.filter((atMs) => nowMs - atMs < doubtsWithinMs)
    if (this.clearedDoubtsMs.length >= doubtsToOpen - 1) {
      this.leaveAlone()
      return
    }
    this.become('suspect')
    void this.examine()
  }

  /** Probes no more. */
  close(): void {
    this.closed = true
    this.waiting?.()
    this.listeners.clear()
  }

  private async examine(): Promise<void> {
    const isWell = await this.probe().then(
      () => true,
      () => false,
    )
    if (this.closed) return
    if (isWell) this.succeed()
    else this.fail()
  }

  /** Probes do not meet what users meet: a deadline paid once is enough for a while. */
  private leaveAlone(): void {
    this.clearedDoubtsMs.push(this.clock.nowMs())
    this.become('down')
    this.examineIn(this.settings.openMs)
  }

  private succeed(): void {
    if (this.current === 'suspect' && this.changes > 0) this.clearedDoubtsMs.push(this.clock.nowMs())
    this.successes += 1
    if (this.failed && this.successes < this.settings.probesToTrust) {
      this.examineIn(this.settings.pauseMs)
      return
    }
    this.failed = false
    this.successes = 0
    this.become('up')
  }

  private fail(): void {
    this.failed = true
    this.successes = 0
    if (this.current !== 'down') this.become('down')
    this.examineIn(this.pauseMs)
    this.pauseMs = Math.min(2 * this.pauseMs, this.settings.longestPauseMs)
  }

  private examineIn(pauseMs: number): void {
    const jitter = 1 - JITTER + 2 * JITTER * Math.random()
    this.waiting = this.clock.after(pauseMs * jitter, () => void this.examine())
  }

  private become(state: RedisState): void {
    // From suspect to down nothing changes for those who use it.
    if ((state === 'up') !== (this.current === 'up')) this.changes += 1
    this.current = state
    this.changedAtMs = this.clock.nowMs()
    for (const listener of this.listeners) listener(state)
  }
}
