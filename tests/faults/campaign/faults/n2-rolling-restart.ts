import { type Termination, terminate } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import type { Device } from '../workload/device.js'
import type { World } from '../world.js'
import { Turns } from './turns.js'

const EVERY_MS = 8_000
const DOWN_MS = 1_000
const DRAINED_WITHIN_MS = 30_000
/** Of those that were sent away together. */
const SPREAD_OVER_MS = 500
/** Refusals that the workload itself has brought about. */
const DESERVED = new Set(['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED'])

/** As a deployment does it: the balancer sends the clients elsewhere, then the instance gets SIGTERM; one after another. */
export const rollingRestart: Fault = {
  name: 'N2',
  title: 'a rolling restart of all instances by SIGTERM, under load',
  scale: '20 clients',
  schedule: (draw, { processes }) =>
    draw
      .shuffled(Array.from({ length: processes }, (_, index) => `i${index + 1}`))
      .map((target, round) => ({ atMs: round * EVERY_MS, forMs: DOWN_MS, act: 'SIGTERM', target })),
  start(world) {
    const turns = new Turns()
    const ends: Termination[] = []
    const returns: Return[] = []
    const sends: Sends = { seen: new Set(), failures: new Map() }
    return {
      async prepare() {
        for (const device of world.devices.all) watchOutbox(device, sends)
      },
      inject: ({ target }, moments) =>
        turns.healed(async () => {
          const leaving = world.instance(target)
          const sentAway = world.devices.all.filter(({ at }) => at === leaving)
          for (const device of sentAway) device.aimAt(otherThan(world, target))
          const watch = watchReturns(sentAway)
          moments.began()
          const heal = await terminate(leaving, (end) => ends.push(end))
          return async () => {
            await heal()
            returns.push(await watch())
          }
        }),
      checks: async () => [drained(ends), noFailedSend(sends), spread(returns)],
    }
  },
}

function otherThan({ instances, draw }: World, name: string) {
  return draw.pick(instances.filter((instance) => instance.name !== name))
}

/** Messages that were in an outbox, and what a user would be shown as failed, with the code. */
type Sends = { readonly seen: Set<string>; readonly failures: Map<string, string> }

function watchOutbox({ client, name }: Device, { seen, failures }: Sends): void {
  client.outbox.subscribe(() => {
    for (const { state, clientMessageId, error } of client.outbox.getSnapshot()) {
      seen.add(`${name} ${clientMessageId}`)
      if (state === 'failed' && !DESERVED.has(error?.code ?? ''))
        failures.set(`${name} ${clientMessageId}`, error?.code ?? 'no code')
    }
  })
}

type Return = { readonly gone: number; readonly returnedMs: readonly number[] }

/** When, after it lost its connection, each of them is online again. */
function watchReturns(devices: readonly Device[]): () => Promise<Return> {
  const returnedMs: number[] = []
  let gone = 0
  const stops = devices.map((device) => {
    let wasOnline = device.isOnline
    return device.client.connection.subscribe(() => {
      if (wasOnline && !device.isOnline) gone += 1
      if (!wasOnline && device.isOnline) returnedMs.push(performance.now())
      wasOnline = device.isOnline
    })
  })
  return async () => {
    for (const stop of stops) stop()
    return { gone, returnedMs }
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

const noFailedSend = ({ seen, failures }: Sends): Check => ({
  name: 'no send fails, as the user of the SDK sees it',
  checked: seen.size,
  violations: [...failures].map(([message, code]) => `${message}: ${code}`),
})

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
