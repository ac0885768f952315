import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { withReaction } from '../../../core/domain/message.js'
import type { RoomCommit } from '../../../core/domain/room-event.js'
import {
  changeMessage,
  openRoomOfThree,
  remove,
  type Store,
  send,
  setRole,
  updateRoom,
  wholeLog,
} from '../../contracts/store.js'
import { auditRoom, type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

type Opened = Awaited<ReturnType<typeof openRoomOfThree>>

const ROOMS = 6
const WRITERS = 24
const WRITES = 15

/** Reproducible, and different for each writer (a linear congruential generator, Numerical Recipes). */
const randomFrom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** One random write of one of a room's people. */
async function writeSomething(store: Store, opened: Opened, random: (below: number) => number) {
  const { roomId, owner, member, observer } = opened
  const author = random(2) === 0 ? owner : member
  const clientMessageId = `client-${random(60)}`
  const message = await send(store, roomId, author, clientMessageId, { clientMessageId })
  const kind = message.deletedAtMs === null ? random(8) : 3 + random(5)
  if (kind === 0) {
    const text = `edited ${random(100)}`
    // Deleted by another writer meanwhile, it cannot have a text any more.
    await changeMessage(store, author.actor, message, (present) =>
      present.deletedAtMs === null
        ? { type: 'message.edited', message: present, text, deliveredUnder: 'edited' }
        : { type: 'message.deleted', message: present },
    )
  }
  if (kind === 1) await remove(store, author.actor, message)
  if (kind === 2)
    await changeMessage(store, member.actor, message, (present) => {
      const on = random(2) === 0
      const { userId } = member.actor
      return {
        type: 'message.reacted',
        message: withReaction(present, userId, '👍', on),
        userId,
        emoji: '👍',
        on,
      }
    })
  if (kind === 3)
    await setRole(store, roomId, owner.actor, observer, random(2) === 0 ? 'observer' : 'moderator')
  if (kind === 4) await updateRoom(store, roomId, owner.actor, { name: `Room ${random(100)}` })
  if (kind === 5) await store.rooms.markRead(roomId, member.actor, message.seq, store.clock.nowMs())
  if (kind === 6)
    await store.accounts.updateProfile(
      member.actor,
      { displayName: `Max ${random(100)}` },
      store.clock.nowMs(),
    )
}

describe('two processes that write to the same and to different rooms at once', () => {
  let processes: Processes
  let first: StoreProcess
  let second: StoreProcess

  beforeAll(async () => {
    processes = await postgresOfProcesses()
    first = processes.start()
    second = processes.start()
  })
  afterAll(() => processes?.stop())

  it('leave each room one gapless log, the same for both, with each client id once, and never deadlock', async () => {
    const shared = await Promise.all(Array.from({ length: ROOMS }, () => openRoomOfThree(first)))
    const told: RoomCommit[] = []
    for (const store of [first, second]) store.log.onCommitted((commit) => told.push(commit))
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const random = randomFrom(writer + 1)
        for (let write = 0; write < WRITES; write += 1) {
          const opened = shared[random(ROOMS)] ?? assert.fail()
          await writeSomething(writer % 2 === 0 ? first : second, opened, random)
        }
      }),
    )
    for (const { roomId, owner } of shared) {
      const length = await auditRoom(processes, first, roomId)
      assert.ok(length > 3 + WRITES, `${length} events`)
      const log = await wholeLog(first, roomId)
      assert.deepEqual(await wholeLog(second, roomId), log)
      const snapshot = await second.rooms.snapshot(roomId, owner.user.id, 200)
      assert.equal(snapshot?.headSeq, length)
      const seqs = told
        .flatMap((commit) => (commit.roomId === roomId ? commit.events : []))
        .map(({ seq }) => seq)
      assert.deepEqual(
        seqs.toSorted((a, b) => a - b),
        Array.from({ length: length - 3 }, (_, index) => index + 4),
      )
    }
    const [stats] = await processes.admin<{ deadlocks: number }[]>`
      select deadlocks::int from pg_stat_database where datname = current_database()`
    assert.deepEqual(stats, { deadlocks: 0 })
  })
})
