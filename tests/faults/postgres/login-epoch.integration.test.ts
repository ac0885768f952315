import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it, vi } from 'vitest'
import {
  codeOf,
  newDigest,
  newLogin,
  openRoomOfThree,
  type Person,
  send,
  trySend,
} from '../../contracts/store.js'
import { eventually } from '../../support/postgres-cluster.js'
import { type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

let processes: Processes
let here: StoreProcess
let there: StoreProcess
let room: Awaited<ReturnType<typeof openRoomOfThree>>
let transactions: ReturnType<typeof vi.spyOn>

beforeAll(async () => {
  processes = await postgresOfProcesses()
})
afterAll(() => processes.stop())

/** A room whose owner's and member's logins are known here to live in the present epoch. */
beforeEach(async () => {
  here = processes.start()
  there = processes.start()
  room = await openRoomOfThree(here)
  for (const sender of [room.owner, room.member])
    for (const text of ['the long way', 'looked up']) await send(here, room.roomId, sender, text)
  transactions = vi.spyOn(here.database, 'transaction')
})
afterEach(() => transactions.mockRestore())

const sendHere = (sender: Person, text: string) => trySend(here, room.roomId, sender, text)

async function epoch(): Promise<string> {
  const [row] = await processes.admin<{ epoch: string }[]>`select epoch from login_epoch`
  return row?.epoch ?? assert.fail('there is no epoch')
}

/** Another login of the person, as on a second device. */
async function openLogin({ user }: Person) {
  const login = newLogin(here, user.id)
  const refreshDigest = newDigest()
  await here.logins.open({ login, refreshDigest })
  return { login, refreshDigest, actor: { userId: user.id, loginId: login.id } }
}

/** As no process ends a login: nobody is told. */
async function endUntold({ login }: Person): Promise<void> {
  await processes.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update logins set ended_at_ms = 1, end_reason = 'signed-out' where id = ${login.id}`
  })
}

const waitsFor = async (event: 'advisory' | 'transactionid') =>
  (
    await processes.admin`
      select from pg_stat_activity
      where application_name = ${here.applicationName} and wait_event_type = 'Lock' and wait_event = ${event}`
  ).length === 1
const endedAt = async ({ login }: Person) =>
  (
    await processes.admin<
      { ended_at_ms: string | null }[]
    >`select ended_at_ms from logins where id = ${login.id}`
  )[0]?.ended_at_ms

describe('the epoch of logins', () => {
  it('is another one after whatever ends a login or disables an account', async () => {
    const { owner, member, observer } = room
    const second = await openLogin(member)
    const third = await openLogin(member)
    const { owner: loginless } = await openRoomOfThree(here)
    await here.logins.end(loginless.login.id, null, 'signed-out', here.clock.nowMs())
    const code = newDigest()
    await here.accounts.putResetCode(owner.user.id, code, Number.MAX_SAFE_INTEGER)
    const now = here.clock.nowMs()
    const endings: Readonly<Record<string, () => Promise<unknown>>> = {
      'signing out': () => here.logins.end(second.login.id, member.user.id, 'signed-out', now),
      'a new password': () => here.accounts.setPassword(member.actor, 'hash', now),
      'a reset': () => here.accounts.resetPassword(owner.user.email, code, 'hash', now),
      'a token used twice': () =>
        here.logins.refresh(member.refreshDigest, now, () => ({ kind: 'end', reason: 'ended' })),
      'an account disabled': () => here.accounts.setDisabled(observer.user.id, true, now),
      'an account disabled that has no login': () => here.accounts.setDisabled(loginless.user.id, true, now),
    }
    for (const [name, end] of Object.entries(endings)) {
      const before = await epoch()
      assert.notEqual(await end(), null, name)
      assert.notEqual(await epoch(), before, name)
    }
    assert.equal(await here.logins.end(third.login.id, member.user.id, 'signed-out', now), null)
  })

  it('lasts while logins begin and go on, and through an end that was rolled back', async () => {
    const before = await epoch()
    const { refreshDigest } = await openLogin(room.member)
    await here.logins.refresh(refreshDigest, here.clock.nowMs(), () => ({
      kind: 'issue',
      successorDigest: newDigest(),
    }))
    await here.accounts.setDisabled(room.observer.user.id, false, here.clock.nowMs())
    await assert.rejects(
      processes.admin.begin(async (tx) => {
        await tx`update logins set ended_at_ms = 1, end_reason = 'signed-out' where id = ${room.member.login.id}`
        await tx`set constraints all immediate`
        throw new Error('rolled back')
      }),
    )
    assert.equal(await epoch(), before)
  })

  it('is relied on by sends, and their logins are looked up once each in the next', async () => {
    const { owner, member } = room
    await endUntold(member)
    assert.equal(codeOf(await sendHere(member, 'relied on')), null)
    const other = await openLogin(owner)
    await there.logins.end(other.login.id, null, 'signed-out', there.clock.nowMs())
    transactions.mockClear()
    assert.equal(codeOf(await sendHere(owner, 'looked up')), null)
    assert.equal(transactions.mock.calls.length, 0)
    assert.equal(codeOf(await sendHere(member, 'found out')), 'UNAUTHENTICATED')
    // The room is forgotten for what was not as known in it.
    await send(here, room.roomId, owner, 'the long way')
    await endUntold(owner)
    assert.equal(codeOf(await sendHere(owner, 'relied on again')), null)
  })

  it('does not vouch for a login that nobody found live in it', async () => {
    const { owner, roomId } = room
    const other = { ...owner, ...(await openLogin(owner)) }
    await send(here, roomId, other, 'the long way')
    await endUntold(other)
    assert.equal(codeOf(await sendHere(other, 'looked up')), 'UNAUTHENTICATED')
    assert.equal(codeOf(await sendHere(owner, 'still relied on')), null)
  })

  it('is compared behind the barrier: a login that ends while a send waits before it is found to have ended', async () => {
    const { owner } = room
    const barrier = await processes.admin.reserve()
    await barrier`select pg_advisory_lock(7310001)`
    const sending = sendHere(owner, 'waits')
    await eventually('the send waits at the barrier', () => waitsFor('advisory'))
    await processes.admin`update logins set ended_at_ms = 1, end_reason = 'signed-out' where id = ${owner.login.id}`
    await barrier`select pg_advisory_unlock(7310001)`
    barrier.release()
    assert.equal(codeOf(await sending), 'UNAUTHENTICATED')
  })

  it('is not over for a send under way: whoever ends its login is answered after it', async () => {
    const { owner, roomId } = room
    const holder = await processes.admin.reserve()
    await holder`begin`
    // As a message with the same client id that is not committed: the send has compared the epoch, and waits for it.
    await holder`
      insert into messages (id, room_id, seq, sender_id, client_message_id, submitted_digest, delivered_under, text, created_at_ms,
        ordinal, sender_ordinal)
      values (${here.ids.next()}, ${roomId}, 1000, ${owner.user.id}, 'held', 'digest', 'off', 'held', 1, 1000, 1000)`
    const sending = trySend(here, roomId, owner, 'under way', { clientMessageId: 'held' })
    await eventually('the send waits for the message', () => waitsFor('transactionid'))
    let wasStored = false
    const ending = there.logins
      .end(owner.login.id, null, 'signed-out', there.clock.nowMs())
      .then(async () => {
        const found = await processes.admin`
        select from messages where room_id = ${roomId} and client_message_id = 'held'`
        wasStored = found.length === 1
      })
    await eventually('the end is committed', async () => (await endedAt(owner)) !== null)
    await holder`rollback`
    holder.release()
    assert.equal(codeOf(await sending), null)
    await ending
    assert.equal(wasStored, true)
  })

  it('lets many logins end at once, in whatever order their rows are locked', async () => {
    const people = [room.owner, room.member, room.observer]
    const logins = await Promise.all(
      Array.from({ length: 30 }, (_, i) => openLogin(people[i % 3] ?? room.owner)),
    )
    const now = here.clock.nowMs()
    await Promise.all([
      ...logins.map(({ login }, i) =>
        (i % 2 === 0 ? here : there).logins.end(login.id, null, 'signed-out', now),
      ),
      ...people.map(({ user }) => there.accounts.setDisabled(user.id, true, now)),
    ])
    const [left] = await processes.admin<{ count: number }[]>`
      select count(*)::int from logins where ended_at_ms is null and user_id = any(${people.map(({ user }) => user.id)}::uuid[])`
    assert.equal(left?.count, 0)
  })
})
