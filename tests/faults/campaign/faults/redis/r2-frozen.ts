import { freezeRedis } from '../../../nemesis/redis-actions.js'
import { type SentCommand, watchCommands } from '../../../nemesis/redis-links.js'
import type { Check, Fault } from '../../fault.js'
import { redisFault } from './redis-fault.js'

/** By then the first command has waited for its deadline, and Redis is given up. */
const GIVEN_UP_BY_MS = 1_500
/** What a client says when it connects, subscribes or probes, and nobody waits for. */
const NOBODY_WAITS = /^(info|auth|hello|select|client|subscribe|ssubscribe|ping|command)$/

type Sent = SentCommand & { readonly at: string }

/**
 * That nobody waits for a frozen Redis once it has been given up is seen on the wire: nothing is sent but probes, so that there is
 * nothing to wait for. What was sent before has waited for its deadline, once.
 */
const frozen = (name: string, forMs: number): Fault =>
  redisFault({
    name,
    title: `Redis stands still (SIGSTOP) for ${forMs / 1_000} s`,
    givenUpBy: 'all',
    unnoticed: { deliveredWithinMs: 1_000 },
    schedule: (draw) => [
      { atMs: draw.between(0, 1_000), forMs, act: 'SIGSTOP', target: 'redis', redis: 'away' },
    ],
    start({ redis, instances }) {
      const sent: Sent[] = []
      let frozenMs = 0
      return {
        async inject(_step, moments) {
          const watches = instances.flatMap(({ name: at, toRedis }) =>
            toRedis === null ? [] : [watchCommands(toRedis, (command) => sent.push({ ...command, at }))],
          )
          moments.began()
          frozenMs = performance.now()
          const heal = await freezeRedis(redis)
          return async () => {
            for (const endWatch of watches) await endWatch()
            await heal()
            moments.over()
          }
        },
        checks: async () => [waited(sent, frozenMs)],
      }
    },
  })

function waited(sent: readonly Sent[], frozenMs: number): Check {
  const isProbe = ({ name, key }: Sent) => name === 'set' && key.endsWith(':probe')
  const waitedFor = sent.filter((command) => !isProbe(command) && !NOBODY_WAITS.test(command.name))
  const late = waitedFor.filter(({ atMs }) => atMs > frozenMs + GIVEN_UP_BY_MS)
  const probes = sent.filter(isProbe).length
  return {
    name: 'nobody waits for a frozen Redis once it is given up',
    checked: probes,
    violations: late.map(
      ({ at, name, key, atMs }) => `${at} sent ${name} ${key} after ${Math.round(atMs - frozenMs)} ms`,
    ),
    seen: `${waitedFor.length - late.length} commands waited for their deadline at first; then ${probes} probes`,
  }
}

export const FROZEN: readonly Fault[] = [
  frozen('R2-5s', 5_000),
  frozen('R2-30s', 30_000),
  frozen('R2-120s', 120_000),
]
