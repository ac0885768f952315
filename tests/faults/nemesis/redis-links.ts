import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Heal } from './process-actions.js'
import { CommandReader } from './resp.js'
import type { TcpProxy } from './tcp-proxy.js'

/** How a message of a subscription begins on the wire. */
const PUSH = Buffer.from('*3\r\n$7\r\nmessage\r\n')

export type Held = { readonly pushes: () => number; readonly heal: Heal }

/** Commands are answered and subscriptions confirmed, but no message arrives any more; the heal lets all of them arrive. */
export function holdPushes(proxy: TcpProxy): Held {
  let held = 0
  proxy.tapWith(() => (chunk, way) => {
    if (way === 'to-target' || !chunk.includes(PUSH)) return 'pass'
    held += 1
    return 'hold'
  })
  return { pushes: () => held, heal: async () => proxy.tapWith(null) }
}

/** The same, each of them late. */
export function delayPushes(proxy: TcpProxy, lateMs: number): Held {
  let late = 0
  proxy.tapWith(() => {
    let isListening = false
    return (chunk, way) => {
      if (way === 'to-target') return 'pass'
      isListening ||= chunk.includes(PUSH)
      if (!isListening) return 'pass'
      late += 1
      return { lateMs }
    }
  })
  return { pushes: () => late, heal: async () => proxy.tapWith(null) }
}

/** Cuts connections between a command and its answer, one in so many answers: whoever asked cannot know whether it was done. */
export function cutAnswers(
  proxy: TcpProxy,
  oneIn: number,
): { readonly cuts: () => number; readonly heal: Heal } {
  let answers = 0
  let cuts = 0
  proxy.tapWith(() => (_chunk, way) => {
    if (way === 'to-target') return 'pass'
    answers += 1
    if (answers % oneIn !== 0) return 'pass'
    cuts += 1
    return 'reset'
  })
  return { cuts: () => cuts, heal: async () => proxy.tapWith(null) }
}

/** Down and up again in turn, all at once, until healed. */
export function flap(
  proxies: readonly TcpProxy[],
  everyMs: number,
): { readonly times: () => number; readonly heal: Heal } {
  let times = 0
  let isOver = false
  const set = (is: 'up' | 'down') => Promise.all(proxies.map((proxy) => proxy.set({ is })))
  const flapping = (async () => {
    while (!isOver) {
      await set('down')
      times += 1
      await sleep(everyMs)
      await set('up')
      await sleep(everyMs)
    }
  })()
  return {
    times: () => times,
    async heal() {
      isOver = true
      await flapping
    },
  }
}

export type SentCommand = { readonly atMs: number; readonly name: string; readonly key: string }

/** Notes the commands that are sent through a proxy from now on. */
export function watchCommands(proxy: TcpProxy, onCommand: (command: SentCommand) => void): Heal {
  proxy.tapWith(() => {
    const reader = new CommandReader()
    return (chunk, way) => {
      if (way === 'to-target')
        for (const [name = '', key = ''] of reader.read(chunk))
          onCommand({ atMs: performance.now(), name, key })
      return 'pass'
    }
  })
  return async () => proxy.tapWith(null)
}

export type LateFills = { readonly fills: () => number; readonly heal: Heal }

/**
 * Carries out each fill of a cache once more, late, after what has replaced it was evicted: an old page comes after the change that
 * made it old, and finds its place empty.
 */
export function repeatFills(
  proxies: readonly TcpProxy[],
  client: Redis,
  { prefix, lateMs }: { readonly prefix: string; readonly lateMs: number },
): LateFills {
  let fills = 0
  const under = new Set<Promise<unknown>>()
  const repeat = async (name: string, args: readonly string[], key: string): Promise<void> => {
    await sleep(lateMs)
    await client.del(key)
    await client.call(name, ...args)
    fills += 1
  }
  for (const proxy of proxies)
    proxy.tapWith(() => {
      const reader = new CommandReader()
      return (chunk, way) => {
        if (way === 'to-client') return 'pass'
        for (const [name = '', ...args] of reader.read(chunk)) {
          const key = args[2] ?? ''
          if (!/^eval(sha)?$/.test(name) || !key.startsWith(prefix)) continue
          const done = repeat(name, args, key)
            .catch(() => undefined)
            .finally(() => under.delete(done))
          under.add(done)
        }
        return 'pass'
      }
    })
  return {
    fills: () => fills,
    async heal() {
      for (const proxy of proxies) proxy.tapWith(null)
      await Promise.all(under)
    },
  }
}
