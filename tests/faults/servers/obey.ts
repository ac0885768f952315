import { Session } from 'node:inspector'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { CLOCK_OFF_BY_MS, type FaultCommand } from './commands.js'

/**
 * Loaded into a server before its own entry point (`node --import`), which knows nothing of it: makes the process fail as its
 * parent says. So the product needs no switch for faults.
 */
const KEPT_AT_ONCE = 200_000
const KEEP_EVERY_MS = 20

let clockOffByMs = Number(process.env[CLOCK_OFF_BY_MS] ?? 0)

/** Everything in the process that asks for the time of day gets the shifted one: our code as well as its libraries. */
function shiftClock(): void {
  const RealDate = Date
  const now = () => RealDate.now() + clockOffByMs
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, values, made) =>
      Reflect.construct(target, values.length === 0 ? [now()] : values, made) as Date,
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  })
}

function stall(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

/** Sockets hand on what they have read through `push`; the one that reads next meets a bug there. */
function throwOnNextRead(): void {
  const { push } = Socket.prototype
  Socket.prototype.push = () => {
    Socket.prototype.push = push
    throw new Error('a bug in a handler, planted')
  }
}

function fillHeap(): void {
  const kept: string[][] = []
  const keep = () => {
    kept.push(Array.from({ length: KEPT_AT_ONCE }, (_, index) => `${kept.length} ${index}`))
    setTimeout(keep, KEEP_EVERY_MS)
  }
  keep()
}

/**
 * V8 lets garbage lie for minutes where there is memory enough, and keeps up to 128 MB of its young generation unless it is asked to make
 * do with little, as the inspector asks it; without both, what is left is in use.
 */
function collectGarbage(): void {
  const session = new Session()
  session.connect()
  session.post('HeapProfiler.collectGarbage')
  // Within the answer it would never return.
  setImmediate(() => session.disconnect())
}

function obey(command: FaultCommand): void {
  switch (command.do) {
    case 'stall':
      stall(command.ms)
      break
    case 'throw':
      throwOnNextRead()
      break
    case 'reject':
      void Promise.reject(new Error('a rejected promise, planted'))
      break
    case 'fill-heap':
      fillHeap()
      break
    case 'shift-clock':
      clockOffByMs = command.byMs
      break
    case 'collect-garbage':
      collectGarbage()
  }
}

if (isMainThread) {
  shiftClock()
  process.on('message', (message) => obey(message as FaultCommand))
  // A channel is no reason to stay; without a parent there is none either.
  process.channel?.unref()
  process.on('disconnect', () => process.exit(1))
}
