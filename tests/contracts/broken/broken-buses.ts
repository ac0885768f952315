import { MemoryBusHub } from '../../../adapters/memory/memory-bus.js'
import type { BusPort } from '../../../core/ports/bus-port.js'
import type { BusFixture } from '../bus-port.contract.js'
import { HeldClock } from '../held-clock.js'
import { brokenBy } from './broken-by.js'

type Change = (sound: BusPort) => Partial<BusPort>

const PATIENCE_MS = 50

const broken =
  (change: Change, prepare: (hub: MemoryBusHub) => void = () => undefined) =>
  (): BusFixture => {
    const hub = new MemoryBusHub(new HeldClock())
    prepare(hub)
    const bus = () => {
      const sound = hub.endpoint()
      return brokenBy<BusPort>(sound, change(sound))
    }
    return { a: bus(), b: bus(), c: bus(), patienceMs: PATIENCE_MS }
  }

const publishing = (text: (message: string) => string) =>
  broken((sound) => ({ publish: (topic, message) => sound.publish(topic, text(message)) }))

/** Hears itself. */
const hearsItself = broken((sound) => {
  const handlers: [string, (message: string) => void][] = []
  return {
    publish: async (topic, message) => {
      await sound.publish(topic, message)
      for (const [own, handler] of handlers) if (own === topic) handler(message)
    },
    subscribe: (topic, handler) => {
      handlers.push([topic, handler])
      return sound.subscribe(topic, handler)
    },
  }
})

/** Lets what a handler throws end the delivery to the others. */
const stopsAtAThrow = broken((sound) => {
  const topics = new Map<string, ((message: string) => void)[]>()
  return {
    subscribe: async (topic, handler) => {
      const handlers = topics.get(topic) ?? []
      topics.set(topic, [...handlers, handler])
      if (handlers.length > 0) return () => undefined
      return sound.subscribe(topic, (message) => topics.get(topic)?.forEach((each) => void each(message)))
    },
  }
})

/** Joins the pieces of all publishers as they come. */
const mixesPublishers = (): BusFixture => {
  let rest = ''
  return broken((sound) => ({
    publish: async (topic, message) => {
      if (message.length < 10_000) return sound.publish(topic, message)
      const whole = rest + message
      rest = whole.slice(20_000)
      await sound.publish(topic, whole.slice(0, 20_000))
    },
  }))()
}

const loses = (every: number) => {
  let count = 0
  return broken(
    () => ({}),
    (hub) => {
      hub.route = () => {
        count += 1
        return count % every === 0 ? [] : [0]
      }
    },
  )
}

export const brokenBuses: Readonly<Record<string, () => BusFixture>> = {
  hearsItself,
  stopsAtAThrow,
  mixesPublishers,
  thinksItIsAlone: broken(() => ({ hasPeers: () => false })),
  losesEverything: loses(1),
  losesSome: loses(7),
  doubles: broken(
    () => ({}),
    (hub) => {
      hub.route = () => [0, 0]
    },
  ),
  reachesOneOnly: broken(
    () => ({}),
    (hub) => {
      let turn = 0
      hub.route = () => {
        turn += 1
        return turn % 2 === 0 ? [] : [0]
      }
    },
  ),
  cutsAt8000: publishing((message) => message.slice(0, 7_999)),
  speaksAscii: publishing((message) => message.replaceAll(/[^\t\n\r -~]/g, '?')),
  ignoresTopics: broken((sound) => ({
    publish: (_topic, message) => sound.publish('all', message),
    subscribe: (_topic, handler) => sound.subscribe('all', handler),
  })),
  neverUnsubscribes: broken((sound) => ({
    subscribe: async (topic, handler) => {
      await sound.subscribe(topic, handler)
      return () => undefined
    },
  })),
}
