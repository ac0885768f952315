import { setTimeout as sleep } from 'node:timers/promises'
import { type Crash, crash } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import type { World } from '../world.js'
import { closeAll, lostOf, openProbes, type Probe } from './probe.js'
import { anInstance, rounds } from './rounds.js'
import { Turns } from './turns.js'

const EVERY_MS = 10_000
const DOWN_MS = 1_000
const PROBES = 3
const HEAP_MB = 128
const SEND_EVERY_MS = 250

type End = { readonly how: Crash; readonly code: number | null; readonly output: string }

/** A bug ends the process with code 1 and one fatal line; at the limit of the heap V8 ends it, with a word why. */
function isClean({ how, code, output }: End): boolean {
  if (how === 'fill-heap') return code !== 0 && output.includes('heap out of memory')
  const fatal = output.split('\n').filter((line) => line.includes('"level":60'))
  return code === 1 && fatal.length === 1
}

const crashes = (name: string, title: string, hows: readonly Crash[], more: Partial<Fault> = {}): Fault => ({
  name,
  title,
  ...more,
  schedule: (draw, scene) =>
    rounds(
      scene,
      EVERY_MS,
      (round) => ({
        forMs: DOWN_MS,
        act: hows[round % hows.length] ?? '',
        target: anInstance(draw, scene),
        kills: true,
        // Before it dies at the limit of its heap, a process does little but collect garbage, for seconds: it pushes late, and hears
        // late of what the others have written, so that also what it answers may be old.
        suspends: hows[round % hows.length] === 'fill-heap' ? ['L7'] : [],
      }),
      hows.length,
    ),
  start(world) {
    const turns = new Turns()
    const ends: End[] = []
    const others = new Bystanders(world)
    return {
      inject: ({ act, target }, moments) =>
        turns.healed(async () => {
          const how = act as Crash
          const watch = await others.watch(target)
          moments.began()
          const heal = await crash(world.instance(target), {
            how,
            onEnd: (code, output) => ends.push({ how, code, output }),
          })
          await watch()
          return heal
        }),
      checks: async () => [endsOf(ends), others.check()],
    }
  },
})

const endsOf = (ends: readonly End[]): Check => ({
  name: 'the process dies cleanly',
  checked: ends.length,
  violations: ends
    .filter((end) => !isClean(end))
    .map(({ how, code, output }) => `${how}: code ${code}\n${output.slice(-500)}`),
  seen: ends.map(({ how, code }) => `${how}: ${code ?? 'signal'}`).join(', '),
})

/** Connections to the other instances, which must notice nothing. */
class Bystanders {
  private readonly violations: string[] = []
  private checked = 0

  constructor(private readonly world: World) {}

  /** From now until what it answers is called. */
  async watch(victim: string): Promise<() => Promise<void>> {
    const at = this.world.instances.filter(({ name, isUp }) => name !== victim && isUp)
    const probes: Probe[] = await openProbes(this.world, PROBES, { at })
    let isOver = false
    const sending = Promise.all(
      probes.map(async (probe) => {
        // Once more after the end.
        for (let isLast = false; !isLast; ) {
          isLast = isOver
          await this.send(probe)
        }
      }),
    )
    return async () => {
      isOver = true
      await sending
      this.violations.push(...lostOf(probes))
      closeAll(probes)
    }
  }

  private async send(probe: Probe): Promise<void> {
    const outcome = await probe.send()
    this.checked += 1
    if (outcome.is !== 'ok') this.violations.push(`a send got ${outcome.code}`)
    await sleep(SEND_EVERY_MS)
  }

  check(): Check {
    return { name: 'the others carry on', checked: this.checked, violations: this.violations }
  }
}

export const bugs = crashes('N5-bug', 'a bug strikes in a handler, and in a promise', ['throw', 'reject'], {
  errors: /, planted"/,
})

export const heapLimit = crashes('N5-heap', 'an instance runs into the limit of its heap', ['fill-heap'], {
  scale: `a heap of ${HEAP_MB} MB`,
  topology: { nodeArguments: () => [`--max-old-space-size=${HEAP_MB}`] },
})
