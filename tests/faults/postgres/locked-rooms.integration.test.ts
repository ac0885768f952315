import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openRoom, openRoomOfThree, send, signUp } from '../../contracts/store.js'
import {
  assertUnavailable,
  auditRoom,
  lockRoom,
  type Processes,
  postgresOfProcesses,
  type StoreProcess,
} from './processes.js'

const SENDERS = 100

describe('a room that another process holds locked', () => {
  let processes: Processes
  let store: StoreProcess

  beforeAll(async () => {
    processes = await postgresOfProcesses()
    store = processes.start()
  })
  afterAll(() => processes?.stop())

  it('holds up no other room, and is written to when it is free again (fault P9)', async () => {
    const hot = await openRoomOfThree(store)
    const other = await openRoom(store, hot.owner)
    const lock = await lockRoom(processes, hot.roomId)
    let answered = 0
    const hotSends = Array.from({ length: SENDERS }, async (_, i) => {
      await send(store, hot.roomId, i % 2 === 0 ? hot.owner : hot.member, `hot ${i}`)
      answered += 1
    })
    const tookMs: number[] = []
    for (let i = 0; i < 60; i += 1) {
      const startedAt = performance.now()
      await send(store, other.id, hot.owner, `other ${i}`)
      tookMs.push(performance.now() - startedAt)
    }
    assert.equal(answered, 0)
    await lock.release()
    await Promise.all(hotSends)
    // One of them may have waited for the brief time after which the locked room is set apart.
    const slowest = tookMs.toSorted((a, b) => b - a)[1] ?? Number.NaN
    assert.ok(slowest < 500, `${slowest} ms`)
    assert.equal(await auditRoom(processes, store, hot.roomId), 3 + SENDERS)
    assert.equal(await auditRoom(processes, store, other.id), 1 + 60)
  })

  it('refuses writes that it keeps waiting too long, and stores none of them', async () => {
    const impatient = processes.start({ queryDeadlineMs: 600, statementTimeoutMs: 500 })
    const owner = await signUp(impatient, 'Olive')
    const room = await openRoom(impatient, owner)
    const lock = await lockRoom(processes, room.id)
    const sends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => send(impatient, room.id, owner, `text ${i}`)),
    )
    await lock.release()
    for (const sent of sends) assertUnavailable(sent.status === 'rejected' ? sent.reason : null)
    assert.equal(await auditRoom(processes, impatient, room.id), 1)
    assert.equal((await send(impatient, room.id, owner, 'free again')).seq, 2)
  })

  it('is passed on fairly between two processes that both write to it without pause', async () => {
    const hot = await openRoomOfThree(store)
    const second = processes.start()
    const counts = [0, 0]
    const end = performance.now() + 1_500
    await Promise.all(
      [store, second].flatMap((each, which) =>
        Array.from({ length: 20 }, async (_, writer) => {
          for (let i = 0; performance.now() < end; i += 1) {
            await send(each, hot.roomId, hot.owner, `text ${which} ${writer} ${i}`)
            counts[which] = (counts[which] ?? 0) + 1
          }
        }),
      ),
    )
    const [one = 0, two = 0] = counts
    assert.equal(await auditRoom(processes, store, hot.roomId), 3 + one + two)
    assert.ok(Math.min(one, two) > Math.max(one, two) / 10, `${one} and ${two} messages`)
  })

  it('does not hold up the end of a login, nor does that end hold up other rooms', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const lock = await lockRoom(processes, roomId)
    const waiting = send(store, roomId, member, 'waits')
    const underWay = await processes.admin.reserve()
    await underWay`begin`
    // As a write does that has read its facts and is not committed yet (key of adapters/postgres/write-barrier.ts).
    await underWay`select pg_advisory_xact_lock_shared(7310001)`
    let hasEnded = false
    const ending = store.logins.end(owner.login.id, null, 'ended', store.clock.nowMs()).then(() => {
      hasEnded = true
    })
    const stranger = await signUp(store, 'Stan')
    const other = await openRoom(store, stranger)
    for (let i = 0; i < 20; i += 1) await send(store, other.id, stranger, `goes on ${i}`)
    await sleep(100)
    assert.equal(hasEnded, false)
    await underWay`commit`
    underWay.release()
    await ending
    await lock.release()
    assert.equal((await waiting).text, 'waits')
  })
})
