import { setTimeout as sleep } from 'node:timers/promises'
import { labelledMetric } from '../../samples.js'
import type { Instance } from '../../world.js'

const LOOK_EVERY_MS = 200

type Look = {
  /** On the clock of `performance.now()`, when it was answered. */
  readonly atMs: number
  /** That of none of its ports what is behind Redis is used. */
  readonly isOnRedis: boolean
}

/** Asks each instance again and again whether it uses Redis or what is behind it, as an operator sees it in its metrics. */
export class FailoverWatch {
  private readonly looks = new Map<string, Look[]>()
  private readonly timer: NodeJS.Timeout

  constructor(private readonly instances: readonly Instance[]) {
    this.timer = setInterval(() => {
      for (const instance of instances) if (instance.isUp) void this.look(instance).catch(() => undefined)
    }, LOOK_EVERY_MS)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** How long after `fromMs` an instance was first seen without Redis, until `untilMs`; null: it never was. */
  givenUpAfterMs(instance: string, fromMs: number, untilMs: number): number | null {
    const looks = this.looks.get(instance) ?? []
    const last = looks.findLast(({ atMs }) => atMs < fromMs)
    if (last?.isOnRedis === false) return 0
    const first = looks.find(({ atMs, isOnRedis }) => atMs >= fromMs && atMs <= untilMs && !isOnRedis)
    return first === undefined ? null : first.atMs - fromMs
  }

  /** The instances that are up and not on Redis with all of their ports, at the latest `withinMs` from now. */
  async thoseWithoutRedis(withinMs: number): Promise<readonly string[]> {
    const deadlineMs = performance.now() + withinMs
    for (;;) {
      const looks = await Promise.all(
        this.instances
          .filter(({ isUp }) => isUp)
          .map(async (instance) => ({
            name: instance.name,
            look: await this.look(instance).catch(() => null),
          })),
      )
      const missing = looks.filter(({ look }) => look?.isOnRedis !== true).map(({ name }) => name)
      if (missing.length === 0 || performance.now() > deadlineMs) return missing
      await sleep(LOOK_EVERY_MS)
    }
  }

  private async look({ name, url }: Instance): Promise<Look> {
    const states = [...(await labelledMetric(url, 'parley_failover_state')).values()]
    if (states.length === 0) throw new Error(`${name} tells of no adapter that has another behind it`)
    const look = { atMs: performance.now(), isOnRedis: states.every((state) => state === 1) }
    this.looks.set(name, [...(this.looks.get(name) ?? []), look])
    return look
  }
}
