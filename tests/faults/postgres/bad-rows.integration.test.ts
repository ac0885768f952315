import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createPostgresStore, type Database, StatementRefused } from '../../../adapters/postgres/index.js'
import { ok } from '../../../core/domain/result.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { change, codeOf, draftOf, openRoomOfThree, send } from '../../contracts/store.js'
import {
  assertUnavailable,
  auditRoom,
  lockRoom,
  type Processes,
  postgresOfProcesses,
  type StoreProcess,
} from './processes.js'

describe('a batch of writes', () => {
  let processes: Processes
  let store: StoreProcess

  beforeAll(async () => {
    processes = await postgresOfProcesses()
    store = processes.start()
  })
  afterAll(() => processes?.stop())

  it('commits the others where the database refuses one of them', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const badDrafts = [
      {
        ...draftOf(store, roomId, owner.user.id, 'without a decision'),
        deliveredUnder: 'nothing' as 'clear',
      },
      draftOf(store, roomId, owner.user.id, 'NUL \0'),
      { ...draftOf(store, roomId, owner.user.id, 'no id'), replyTo: 'no id' },
    ]
    const bad = Promise.allSettled(
      badDrafts.map((draft) =>
        change(store, roomId, owner.actor, {
          touches: `client:${draft.clientMessageId}`,
          make: () => ok([{ type: 'message.sent', draft }]),
        }),
      ),
    )
    const good = Array.from({ length: 20 }, (_, i) => send(store, roomId, member, `good ${i}`))
    const seqs = (await Promise.all(good)).map(({ seq }) => seq)
    for (const write of await bad)
      assert.ok(write.status === 'rejected' && write.reason instanceof StatementRefused)
    assert.equal(new Set(seqs).size, 20)
    assert.equal(await auditRoom(processes, store, roomId), 3 + 20)
  })

  it('finds nothing for ids that are none, and serves the others', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const strange = "'; drop table rooms; --"
    const needs = { messageId: strange, replyTo: '', memberId: strange, invitationCode: strange }
    const found: unknown[] = []
    const odd = change(
      store,
      roomId,
      { userId: strange, loginId: strange },
      {
        needs: { ...needs, clientMessageId: strange },
        touches: `client:${strange}`,
        make: ({ message, replyTo, member: named, invitation, earlier, actor, loginIsLive }) => {
          found.push(message, replyTo, named, invitation, earlier, actor, loginIsLive)
          return ok([])
        },
      },
    )
    const nowhere = change(store, strange, owner.actor, { make: () => assert.fail('decided') })
    const good = send(store, roomId, member, 'good')
    assert.deepEqual([(await odd).ok, codeOf(await nowhere), (await good).seq], [true, 'NOT_FOUND', 4])
    assert.deepEqual(found, [null, null, null, null, null, null, false])
  })

  it('asks no more for the rest of a failed batch once the database does not answer', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    let asked = 0
    const failing = Object.assign(Object.create(store.database) as Database, {
      async transaction() {
        asked += 1
        throw asked === 1 ? new StatementRefused('test', '23514', null) : new PortUnavailable('test', null)
      },
    })
    const broken = { ...store, ...createPostgresStore(failing) }
    const sends = Array.from({ length: 10 }, (_, i) => send(broken, roomId, owner, `text ${i}`))
    for (const sent of await Promise.allSettled(sends))
      assertUnavailable(sent.status === 'rejected' ? sent.reason : null)
    assert.equal(asked, 2)
  })

  it('refuses at once what would wait behind too many others (fault P3)', async () => {
    const bounded = { ...store, ...createPostgresStore(store.database, { maxWaiting: 10 }) }
    const { roomId, owner } = await openRoomOfThree(store)
    const lock = await lockRoom(processes, roomId)
    const sends = Array.from({ length: 30 }, (_, i) => send(bounded, roomId, owner, `text ${i}`))
    const refused = (await Promise.allSettled(sends.slice(10))).map((sent) =>
      sent.status === 'rejected' ? sent.reason : null,
    )
    for (const error of refused) assertUnavailable(error)
    await lock.release()
    await Promise.all(sends.slice(0, 10))
    assert.equal(await auditRoom(processes, store, roomId), 3 + 10)
  })
})
