/** `unavailable` decides for the whole server; `degraded` is told and decides nothing. */
export type CheckStatus = 'ok' | 'degraded' | 'unavailable'
export type Check = () => Promise<CheckStatus>
export type ReadinessReport = {
  readonly status: CheckStatus
  readonly checks: Readonly<Record<string, CheckStatus>>
}

const CHECK_TIMEOUT_MS = 2_000
const WORSE: readonly CheckStatus[] = ['ok', 'degraded', 'unavailable']

/** Whether the server can do its work. A check that fails or takes too long counts as unavailable. */
export class Readiness {
  private draining = false
  private running: Promise<ReadinessReport> | null = null

  /** `failover`: adapters that work with what is behind them are worth telling, and no reason to send anybody elsewhere. */
  constructor(
    private readonly checks: Readonly<Record<string, Check>>,
    private readonly failover: () => readonly { readonly port: string; readonly state: string }[] = () => [],
  ) {}

  /** From now on the server is leaving: whoever spreads the load should send nobody here. */
  drain(): void {
    this.draining = true
  }

  /** Those who ask at the same time are told the same, so that asking often costs little. */
  report(): Promise<ReadinessReport> {
    this.running ??= this.check().finally(() => {
      this.running = null
    })
    return this.running
  }

  private async check(): Promise<ReadinessReport> {
    const named = await Promise.all(
      Object.entries(this.checks).map(async ([name, check]) => [name, await judged(check)] as const),
    )
    const checks = Object.fromEntries([
      ...named,
      ...this.failover().map(({ port, state }) => [port, state === 'primary' ? 'ok' : 'degraded'] as const),
      ...(this.draining ? [['draining', 'unavailable'] as const] : []),
    ])
    const worst = Math.max(0, ...Object.values(checks).map((status) => WORSE.indexOf(status)))
    return { status: WORSE[worst] ?? 'unavailable', checks }
  }
}

async function judged(check: Check): Promise<CheckStatus> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<CheckStatus>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, 'unavailable')
  })
  try {
    return await Promise.race([check(), timeout])
  } catch {
    return 'unavailable'
  } finally {
    clearTimeout(timer)
  }
}
