import assert from 'node:assert/strict'
import type { ClockPort } from '../../core/ports/clock-port.js'

export type ClockFixture = {
  readonly clock: ClockPort
  /** Lets at least so much time pass, and what became due meanwhile run. */
  readonly passTimeMs: (ms: number) => Promise<void>
}

const DAY_MS = 86_400_000
/** Timers and the wall clock round each in their own way. */
const ROUNDING_MS = 2

/** What every clock does. */
export const clockPortContract = {
  'tells whole milliseconds since 1970': async ({ clock }) => {
    const nowMs = clock.nowMs()
    assert.ok(Number.isSafeInteger(nowMs), `${nowMs}`)
    assert.ok(nowMs > Date.UTC(2020, 0) && nowMs < Date.UTC(2120, 0), `${nowMs}`)
  },
  'goes on as time passes': async ({ clock, passTimeMs }) => {
    const beforeMs = clock.nowMs()
    await passTimeMs(50)
    assert.ok(clock.nowMs() - beforeMs >= 50 - ROUNDING_MS)
  },
  'runs a task once, when its delay is over': async ({ clock, passTimeMs }) => {
    const startMs = clock.nowMs()
    const ranAtMs: number[] = []
    clock.after(50, () => ranAtMs.push(clock.nowMs()))
    assert.deepEqual(ranAtMs, [])
    await passTimeMs(200)
    await passTimeMs(200)
    assert.equal(ranAtMs.length, 1)
    assert.ok((ranAtMs[0] ?? 0) - startMs >= 50 - ROUNDING_MS, `ran after ${(ranAtMs[0] ?? 0) - startMs} ms`)
  },
  'does not run a task of no delay before the caller has gone on': async ({ clock, passTimeMs }) => {
    let runs = 0
    clock.after(0, () => {
      runs += 1
    })
    assert.equal(runs, 0)
    await passTimeMs(20)
    assert.equal(runs, 1)
  },
  'runs tasks in the order in which they become due': async ({ clock, passTimeMs }) => {
    const order: string[] = []
    clock.after(120, () => order.push('late'))
    clock.after(20, () => order.push('early'))
    await passTimeMs(300)
    assert.deepEqual(order, ['early', 'late'])
  },
  'does not run a cancelled task': async ({ clock, passTimeMs }) => {
    let runs = 0
    const cancel = clock.after(20, () => {
      runs += 1
    })
    cancel()
    await passTimeMs(100)
    assert.equal(runs, 0)
  },
  'cancels one task and not the others, however often it is asked': async ({ clock, passTimeMs }) => {
    const ran: string[] = []
    const cancel = clock.after(20, () => ran.push('cancelled'))
    clock.after(20, () => ran.push('kept'))
    cancel()
    cancel()
    await passTimeMs(100)
    cancel()
    assert.deepEqual(ran, ['kept'])
  },
  'runs a task that another one has asked for': async ({ clock, passTimeMs }) => {
    const ran: string[] = []
    clock.after(10, () => clock.after(10, () => ran.push('second')))
    await passTimeMs(150)
    assert.deepEqual(ran, ['second'])
  },
  'does not run a task of next month today': async ({ clock, passTimeMs }) => {
    let runs = 0
    const cancel = clock.after(40 * DAY_MS, () => {
      runs += 1
    })
    await passTimeMs(100)
    cancel()
    assert.equal(runs, 0)
  },
} satisfies Record<string, (fixture: ClockFixture) => Promise<void>>
