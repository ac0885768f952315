import assert from 'node:assert/strict'
import type { RoomId } from '../../core/domain/ids.js'
import {
  newDigest,
  newLogin,
  openRoom,
  openRoomOfThree,
  type StoreContract,
  send,
  signUp,
  unknownHeads,
} from './store.js'

/** What a sweep finds, even if every hint was lost. */
export const sweepContract = {
  'finds the heads of the rooms asked for, and of no others': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const quiet = await openRoom(store, owner)
    const other = await openRoom(store, owner)
    await send(store, roomId, owner, 'hello')
    const { heads } = await store.sweep.sweep(unknownHeads(roomId, quiet.id, store.ids.next()), 0)
    assert.deepEqual(new Set(heads.keys()), new Set([roomId, quiet.id]))
    assert.deepEqual(heads.get(roomId), { head: 4, messages: 4, threads: 0, members: 3 })
    assert.deepEqual(heads.get(quiet.id), { head: 1, messages: 0, threads: 0, members: 1 })
    assert.equal(heads.has(other.id), false)
    assert.equal((await store.sweep.sweep(new Map(), 0)).heads.size, 0)
  },
  'finds the heads that have gone beyond what each who asks knows': async (store) => {
    const { roomId, owner } = await openRoomOfThree(store)
    const quiet = await openRoom(store, owner)
    const known = new Map([
      [roomId, 3],
      [quiet.id, 1],
    ])
    const headsBeyond = async (beyond: ReadonlyMap<RoomId, number>) => {
      const { heads } = await store.sweep.sweep(beyond, Number.MAX_SAFE_INTEGER)
      return new Map([...heads].map(([id, { head }]) => [id, head]))
    }
    assert.deepEqual(await headsBeyond(known), new Map())
    await send(store, roomId, owner, 'hello')
    const [one, other] = await Promise.all([headsBeyond(known), headsBeyond(unknownHeads(roomId, quiet.id))])
    assert.deepEqual(one, new Map([[roomId, 4]]))
    assert.deepEqual(
      other,
      new Map([
        [roomId, 4],
        [quiet.id, 1],
      ]),
    )
  },
  'finds the logins that ended after a time, however they ended': async (store) => {
    const { user, login } = await signUp(store, 'Ada')
    const others = [newLogin(store, user.id), newLogin(store, user.id), newLogin(store, user.id)] as const
    for (const each of others) await store.logins.open({ login: each, refreshDigest: newDigest() })
    const atMs = store.clock.nowMs()
    await store.logins.end(others[0].id, null, 'signed-out', atMs)
    await store.logins.end(others[1].id, null, 'expired', atMs + 10)
    await store.accounts.setPassword({ userId: user.id, loginId: login.id }, 'new', atMs + 20)
    const endedSince = async (sinceMs: number) => {
      const { ended } = await store.sweep.sweep(new Map(), sinceMs)
      const own = ended.filter(({ userId }) => userId === user.id)
      return own.map(({ loginId, reason }) => `${loginId} ${reason}`).toSorted()
    }
    const all = [`${others[0].id} signed-out`, `${others[1].id} expired`, `${others[2].id} password-changed`]
    assert.deepEqual(await endedSince(atMs - 1), all.toSorted())
    assert.deepEqual(await endedSince(atMs), all.slice(1).toSorted())
    assert.deepEqual(await endedSince(atMs + 20), [])
    assert.deepEqual(await endedSince(Number.MAX_SAFE_INTEGER), [])
  },
} satisfies StoreContract
