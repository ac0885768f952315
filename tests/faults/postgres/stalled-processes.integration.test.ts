import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { RoomId } from '../../../core/domain/ids.js'
import { ok } from '../../../core/domain/result.js'
import { accepted, change, codeOf, edit, openRoomOfThree, send, trySend } from '../../contracts/store.js'
import { PostgresProxy } from '../../support/postgres-proxy.js'
import { auditRoom, type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

/** Longer than the database lets a transaction stand still, and less than a write may take. */
const STALL_MS = 2_200
/** Within the time for which a transaction may stand still, and with it far less than a write may take, as machines are slow at times. */
const GOES_ON_AFTER_MS = 300

let processes: Processes
let store: StoreProcess
const proxies: PostgresProxy[] = []

beforeEach(async () => {
  processes = await postgresOfProcesses()
  store = processes.start()
})
afterEach(async () => {
  await processes?.stop()
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
})

/** Nothing at all happens in this process, as while its memory is collected or it is stopped by a signal. */
const stall = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Another process locks a room as a write does, goes on once after `firstMs`, and is silent from then on. */
async function stallElsewhere(roomId: RoomId, firstMs: number): Promise<void> {
  const { database } = processes.start()
  const isLocked = new Promise<void>((resolve, reject) => {
    const standing = database.transaction('test', async (tx) => {
      await tx`select from rooms where id = ${roomId} for no key update`
      resolve()
      await new Promise((goOn) => setTimeout(goOn, firstMs))
      await tx`select 1`
      await new Promise(() => {})
    })
    standing.catch(reject)
  })
  await isLocked
}

/** As above, but it is silent in the middle of a statement, which it has had described (a new one always is) and does not run. */
async function stallInStatementElsewhere(roomId: RoomId): Promise<void> {
  const proxy = await PostgresProxy.start(processes.url)
  proxies.push(proxy)
  const { database } = processes.start({ url: proxy.url })
  const isDescribed = proxy.keepAnswer('never_run', null)
  const standing = database.transaction('test', async (tx) => {
    await tx`select from rooms where id = ${roomId} for no key update`
    // WRITE_BARRIER of adapters/postgres/silent-transactions.ts.
    await tx`select pg_advisory_xact_lock_shared(7310001)`
    await tx`select ${roomId}::uuid as never_run`
  })
  standing.catch(() => {})
  await isDescribed
}

describe('a process that stands still in the middle of a write', () => {
  it('makes no write of another process fail (fault N3) (fault N4) (fault N5)', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    const first = await send(store, roomId, owner, 'first')
    await stallElsewhere(roomId, GOES_ON_AFTER_MS)
    const atMs = store.clock.nowMs()
    const writes = await Promise.allSettled([
      send(store, roomId, member, 'second'),
      edit(store, owner.actor, first, 'first, edited'),
      store.accounts.updateProfile(member.actor, { displayName: 'Maxi' }, atMs),
    ])
    assert.deepEqual(
      writes.map((write) =>
        write.status === 'rejected' ? String(write.reason?.cause ?? write.reason) : write.status,
      ),
      ['fulfilled', 'fulfilled', 'fulfilled'],
    )
    assert.equal(await auditRoom(processes, store, roomId), 7)
  })

  it('makes no write of another process fail where it stands still in the middle of a statement', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    await stallInStatementElsewhere(roomId)
    await send(store, roomId, owner, 'first')
    await send(store, roomId, member, 'second')
    assert.equal(await auditRoom(processes, store, roomId), 5)
  })

  it('does not keep a login from being ended there', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await stallInStatementElsewhere(roomId)
    await store.logins.end(owner.login.id, null, 'ended', store.clock.nowMs())
    const refused = await trySend(store, roomId, owner, 'too late')
    assert.equal(codeOf(refused), 'UNAUTHENTICATED')
  })

  it('writes once, and for its callers too, what it was about to write', async () => {
    const { roomId, owner, member } = await openRoomOfThree(store)
    let decisions = 0
    const stalled = change(store, roomId, owner.actor, {
      make: () => {
        decisions += 1
        if (decisions === 1) stall(STALL_MS)
        return ok([{ type: 'member.left', userId: owner.user.id }])
      },
    })
    const waiting = send(store, roomId, member, 'sent meanwhile')
    accepted(await stalled)
    await waiting
    assert.equal(decisions, 2)
    assert.equal(await auditRoom(processes, store, roomId), 5)
  })

  it('writes once what it was about to commit', async () => {
    await processes.admin`create table effects (id int)`
    await processes.admin`grant all on effects to public`
    let attempts = 0
    await store.database.transaction('test', async (tx) => {
      attempts += 1
      await tx`insert into effects values (${attempts})`
      if (attempts === 1) stall(STALL_MS)
    })
    assert.equal(attempts, 2)
    assert.deepEqual([...(await processes.admin`select id from effects`)], [{ id: 2 }])
  })
})
