import { setTimeout as sleep } from 'node:timers/promises'
import type { Check, Fault, FaultRun, Heal, Moments, Step, Topology } from '../../fault.js'
import type { CampaignRedis, World } from '../../world.js'
import { OutboxWatch } from '../outbox-watch.js'
import { FailoverWatch } from './failover-watch.js'
import { workDone } from './redis-use.js'

export type RedisWorld = World & { readonly redis: CampaignRedis }

/** The names of checks that the table has columns for. */
export const GIVEN_UP = 'who has lost Redis gives it up'
export const USED_AGAIN = 'everybody uses Redis again'

const ON_REDIS_WITHIN_MS = 20_000
/** The deadline of a command, that of a probe, and what a busy machine and our looks add. */
const GIVEN_UP_WITHIN_MS = 2_000
/** The longest pause between two probes, twice, and what connecting takes. */
const USED_AGAIN_WITHIN_MS = 15_000
const USED_FOR_MS = 3_000

export type RedisFaultParts = Omit<Fault, 'start' | 'topology'> & {
  readonly topology?: Partial<Topology>
  /** Who has to give Redis up while a step lasts; by default that is not judged. */
  readonly givenUpBy?: 'all' | 'target'
  /** False: Redis is not there at the beginning, or at the end. */
  readonly usedBefore?: false
  readonly usedAfter?: false
  /** How long after the last heal everybody may take to use Redis again. */
  readonly usedAgainWithinMs?: number
  start(world: RedisWorld): FaultRun
}

/**
 * A fault of Redis. Besides what it shows itself, users are shown no failed send; who has lost Redis gives it up in time; and Redis
 * was really used before, and is after, so that nothing is withstood because there was no Redis at all.
 */
export function redisFault(parts: RedisFaultParts): Fault {
  const { givenUpBy, usedBefore, usedAfter, usedAgainWithinMs, start, topology, ...fault } = parts
  return {
    ...fault,
    topology: { redis: {}, ...topology },
    start: (world) => new WatchedRun(requireRedis(world), start(requireRedis(world)), parts),
  }
}

export function requireRedis(world: World): RedisWorld {
  const { redis } = world
  if (redis === null) throw new Error('the topology has no Redis')
  return { ...world, redis }
}

type InForce = { readonly step: Step; beganMs: number; overMs: number }

class WatchedRun implements FaultRun {
  private readonly outboxes = new OutboxWatch()
  private readonly failover: FailoverWatch
  private readonly inForce: InForce[] = []
  private readonly use = { base: 0, before: 0, after: 0 }
  private readonly missingBefore: string[] = []
  private missingAfter: readonly string[] = []
  private usedAgainAfterMs = 0

  constructor(
    private readonly world: RedisWorld,
    private readonly run: FaultRun,
    private readonly parts: RedisFaultParts,
  ) {
    this.failover = new FailoverWatch(world.instances)
  }

  async prepare(): Promise<void> {
    for (const device of this.world.devices.all) this.outboxes.follow(device)
    if (this.parts.usedBefore !== false) this.use.base = await workDone(this.world.redis)
    await this.run.prepare?.()
  }

  async inject(step: Step, moments: Moments): Promise<Heal | undefined> {
    if (this.parts.usedBefore !== false) await this.untilUsed()
    const own: InForce = { step, beganMs: performance.now(), overMs: Number.POSITIVE_INFINITY }
    this.inForce.push(own)
    const heal = await this.run.inject(step, {
      began() {
        own.beganMs = performance.now()
        moments.began()
      },
      over() {
        own.overMs = performance.now()
        moments.over()
      },
    })
    return async () => {
      await heal?.()
      own.overMs = Math.min(own.overMs, performance.now())
    }
  }

  async afterHeal(): Promise<void> {
    const { usedAfter, usedAgainWithinMs = USED_AGAIN_WITHIN_MS } = this.parts
    if (usedAfter !== false) {
      const healedMs = Math.max(...this.inForce.map(({ overMs }) => overMs))
      this.missingAfter = await this.failover.thoseWithoutRedis(usedAgainWithinMs)
      this.usedAgainAfterMs = performance.now() - healedMs
      const base = await workDone(this.world.redis)
      await sleep(USED_FOR_MS)
      this.use.after = (await workDone(this.world.redis)) - base
    }
    await this.run.afterHeal?.()
  }

  async checks(): Promise<readonly Check[]> {
    this.failover.stop()
    const { givenUpBy, usedBefore, usedAfter } = this.parts
    return [
      this.outboxes.check(),
      ...(usedBefore === false ? [] : [this.usedBefore()]),
      ...(givenUpBy === undefined ? [] : [this.givenUp(givenUpBy)]),
      ...(usedAfter === false ? [] : [this.usedAgain()]),
      ...((await this.run.checks?.()) ?? []),
    ]
  }

  /** A fault is to strike servers that use Redis; one that begins while another is in force takes them as they are. */
  private async untilUsed(): Promise<void> {
    if (this.inForce.some(({ overMs }) => overMs === Number.POSITIVE_INFINITY)) return
    this.missingBefore.push(...(await this.failover.thoseWithoutRedis(ON_REDIS_WITHIN_MS)))
    if (this.inForce.length === 0) this.use.before = (await workDone(this.world.redis)) - this.use.base
  }

  private usedBefore(): Check {
    return {
      name: 'Redis is used before',
      checked: this.use.before,
      violations: this.missingBefore.map((name) => `${name} does not use it`),
      seen: `${this.use.before} writes`,
    }
  }

  private givenUp(by: 'all' | 'target'): Check {
    const looks = this.inForce.flatMap(({ step, beganMs, overMs }) =>
      this.world.instances
        .filter(({ name }) => by === 'all' || name === step.target)
        .map(({ name }) => ({
          name,
          act: step.act,
          afterMs: this.failover.givenUpAfterMs(
            name,
            beganMs,
            Math.max(overMs, beganMs + GIVEN_UP_WITHIN_MS),
          ),
        })),
    )
    return {
      name: GIVEN_UP,
      checked: looks.length,
      violations: looks.flatMap(({ name, act, afterMs }) =>
        afterMs === null || afterMs > GIVEN_UP_WITHIN_MS
          ? [`${name}, at ${act}: ${afterMs === null ? 'never' : `after ${Math.round(afterMs)} ms`}`]
          : [],
      ),
      seen: `after ${looks.map(({ afterMs }) => seconds(afterMs)).join(', ')}`,
    }
  }

  private usedAgain(): Check {
    return {
      name: USED_AGAIN,
      checked: this.use.after,
      violations: this.missingAfter.map(
        (name) => `${name} does not, ${seconds(this.usedAgainAfterMs)} after the heal`,
      ),
      seen: `after ${seconds(this.usedAgainAfterMs)}, for ${this.use.after} writes in ${seconds(USED_FOR_MS)}`,
    }
  }
}

const seconds = (ms: number | null): string => (ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`)
