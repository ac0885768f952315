import { setTimeout as sleep } from 'node:timers/promises'
import { type Termination, terminate } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import type { Device } from '../workload/device.js'
import { NOT_SENT, type Outcome, tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'
import { OutboxWatch } from './outbox-watch.js'
import { Turns } from './turns.js'

const EVERY_MS = 8_000
const CALL_EVERY_MS = 50
const DOWN_MS = 1_000
const DRAINED_WITHIN_MS = 30_000
/** Of those that were sent away together. */
const SPREAD_OVER_MS = 500

let calls = 0

/** As a deployment does it: the balancer sends the clients elsewhere, then the instance gets SIGTERM; one after another. */
export const rollingRestart: Fault = {
  name: 'N2',
  title: 'a rolling restart of all instances by SIGTERM, under load',
  scale: '20 clients',
  schedule: (draw, { processes }) =>
    draw.shuffled(Array.from({ length: processes }, (_, index) => `i${index + 1}`)).map((target, round) => ({
      atMs: round * EVERY_MS,
      forMs: DOWN_MS,
      act: 'SIGTERM',
      target,
    })),
  start(world) {
    const turns = new Turns()
    const ends: Termination[] = []
    const returns: Return[] = []
    const lastOutcomes: Outcome[] = []
    const outboxes = new OutboxWatch()
    return {
      async prepare() {
        for (const device of world.devices.all) outboxes.follow(device)
      },
      inject: ({ target }, moments) =>
        turns.healed(async () => {
          const leaving = world.instance(target)
          const others = world.instances.filter((instance) => instance !== leaving)
          const sentAway = world.devices.all.filter(({ at }) => at === leaving)
          for (const [index, device] of sentAway.entries())
            device.aimAt(others[index % others.length] as Instance)
          const watch = watchReturns(sentAway)
          const lastCalls = callUntilGone(world, leaving)
          moments.began()
          const heal = await terminate(leaving, (end) => ends.push(end))
          return async () => {
            lastOutcomes.push(...(await lastCalls))
            await heal()
            returns.push(watch())
          }
        }),
      checks: async () => [drained(ends), answered(lastOutcomes), outboxes.check(), spread(returns)],
    }
  },
}

/** Sends over HTTP, each over a connection of its own, for as long as the instance takes any; it owes an answer to each. */
async function callUntilGone({ writer, hotRoom }: World, at: Instance): Promise<Outcome[]> {
  const { owner, id } = hotRoom
  const outcomes: Outcome[] = []
  const untilMs = performance.now() + 2 * DRAINED_WITHIN_MS
  while (performance.now() < untilMs) {
    const body = owner.nextBody(id)
    calls += 1
    const cmid = `leaving-${calls}`
    const outcome = await tryHttp(writer, at, {
      caller: owner.caller(at),
      request: { f: 'send', room: id, cmid, body },
      route: `POST /rooms/${id}/messages`,
      body: { clientMessageId: cmid, text: body },
      token: owner.login.accessToken,
    })
    if (outcome.is === 'fail' && outcome.code === NOT_SENT.code) return outcomes
    outcomes.push(outcome)
    await sleep(CALL_EVERY_MS)
  }
  return outcomes
}

/** Drained: whoever got through to it was answered, be it that they are to go elsewhere. */
const answered = (outcomes: readonly Outcome[]): Check => ({
  name: 'whoever asks an instance that leaves is answered',
  checked: outcomes.length,
  violations: outcomes.flatMap((outcome) =>
    outcome.is === 'ok' || outcome.code === 'UNAVAILABLE' ? [] : [`a send over HTTP got ${outcome.code}`],
  ),
  seen: `${outcomes.filter(({ is }) => is === 'ok').length} of ${outcomes.length} stored`,
})

type Return = { readonly gone: number; readonly returnedMs: readonly number[] }

/** When each of them is online again after it first lost its connection, unless it moved by itself. */
function watchReturns(devices: readonly Device[]): () => Return {
  const watched = devices.map((device) => {
    const { moves } = device
    const seen = { lost: false, backMs: null as number | null }
    const stop = device.client.connection.subscribe(() => {
      if (device.moves !== moves) return
      if (!device.isOnline) seen.lost = true
      else if (seen.lost) seen.backMs ??= performance.now()
    })
    return { seen, stop }
  })
  return () => {
    for (const { stop } of watched) stop()
    return {
      gone: watched.filter(({ seen }) => seen.lost).length,
      returnedMs: watched.flatMap(({ seen }) => seen.backMs ?? []),
    }
  }
}

function drained(ends: readonly Termination[]): Check {
  const seen = ends.map(({ tookMs }) => `${(tookMs / 1_000).toFixed(1)} s`).join(', ')
  return {
    name: 'every instance drains within 30 s and ends in order',
    checked: ends.length,
    violations: ends.flatMap(({ code, tookMs }) =>
      code === 0 && tookMs <= DRAINED_WITHIN_MS ? [] : [`exit code ${code} after ${Math.round(tookMs)} ms`],
    ),
    seen,
  }
}

/** Those of one instance do not come back in one moment. */
function spread(returns: readonly Return[]): Check {
  const several = returns.filter(({ returnedMs }) => returnedMs.length >= 3)
  const spans = several.map(({ returnedMs }) => Math.max(...returnedMs) - Math.min(...returnedMs))
  return {
    name: 'reconnects are spread',
    checked: several.length,
    violations: spans.filter((ms) => ms < SPREAD_OVER_MS).map((ms) => `all within ${Math.round(ms)} ms`),
    seen: `${returns.reduce((sum, { gone }) => sum + gone, 0)} connections ended, back over ${spans.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ')}`,
  }
}
