import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it, vi } from 'vitest'
import {
  codeOf,
  edit,
  leave,
  newDigest,
  newLogin,
  openRoomOfThree,
  type Person,
  send,
  setRole,
  trySend,
} from '../../contracts/store.js'
import { auditRoom, type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

let processes: Processes
let here: StoreProcess
let there: StoreProcess
let room: Awaited<ReturnType<typeof openRoomOfThree>>
let transactions: ReturnType<typeof vi.spyOn>

beforeAll(async () => {
  processes = await postgresOfProcesses()
})
afterAll(() => processes.stop())

/** A room of which this process knows everything that a send of its owner or its member needs. */
beforeEach(async () => {
  here = processes.start()
  there = processes.start()
  room = await openRoomOfThree(here)
  for (const sender of [room.owner, room.member]) await send(here, room.roomId, sender, 'first')
  transactions = vi.spyOn(here.database, 'transaction')
})
afterEach(() => transactions.mockRestore())

const sendHere = (sender: Person, text: string) => trySend(here, room.roomId, sender, text)
const wentTheLongWay = () => transactions.mock.calls.length > 0

/** What is counted up must be what counting finds, at each message and for everyone. */
async function auditOrdinals(): Promise<void> {
  const miscounted = await processes.admin`
    select from messages m, (select distinct sender_id as id from messages where room_id = ${room.roomId}) as sender
    where m.room_id = ${room.roomId} and sender_ordinal_at(m.room_id, sender.id, m.seq) <> (
      select count(*) from messages e where e.room_id = m.room_id and e.sender_id = sender.id and e.seq <= m.seq
    )`
  assert.equal(miscounted.length, 0)
  const rows = await processes.admin`
    select from (
      select ordinal, sender_ordinal, row_number() over (order by seq) as n,
        row_number() over (partition by sender_id order by seq) as of_sender
      from messages where room_id = ${room.roomId}
    ) as counted where ordinal <> n or sender_ordinal <> of_sender`
  assert.equal(rows.length, 0)
  await auditRoom(processes, here, room.roomId)
}

describe('sends into a room that is known', () => {
  it('are stored by one call, together and one after the other', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        send(here, room.roomId, i % 2 === 0 ? room.owner : room.member, `at once ${i}`),
      ),
    )
    for (let i = 0; i < 3; i += 1) await send(here, room.roomId, room.owner, `in turn ${i}`)
    assert.equal(wentTheLongWay(), false)
    assert.equal(await auditRoom(processes, here, room.roomId), 3 + 2 + 20 + 3)
    await auditOrdinals()
  })

  it('keep their counts through edits, other senders and other processes', async () => {
    const { roomId, owner, member } = room
    const message = await send(here, roomId, owner, 'second')
    await edit(here, owner.actor, message, 'second, edited')
    await send(here, roomId, owner, 'third')
    await send(there, roomId, member, 'from elsewhere')
    await send(here, roomId, member, 'fourth')
    await send(here, roomId, owner, 'fifth')
    await auditOrdinals()
  })

  it('are counted for their senders by few entries of an index, whatever the pauses between them', async () => {
    const { roomId, owner, member } = room
    const speakers = Array.from({ length: 300 }, (_, i) => (i % 150 < 70 || i % 7 === 0 ? owner : member))
    for (let from = 0; from < speakers.length; from += 30)
      await Promise.all(
        speakers.slice(from, from + 30).map((speaker, i) => send(here, roomId, speaker, `${from + i}`)),
      )
    assert.equal(wentTheLongWay(), false)
    await auditOrdinals()
    const opening = await processes.admin`select from messages where room_id = ${roomId} and opens_block`
    // Two senders in each of five blocks.
    assert.ok(opening.length <= 10, `${opening.length} of 302 messages are in the index`)
  })

  it('go on where a process of the version before migration 006 sends too', async () => {
    const { roomId, owner } = room
    await send(here, roomId, owner, 'second')
    const [before] = await processes.admin<{ head: number; ordinal: number; of_owner: number }[]>`
      select r.head::int, (select count(*)::int from messages where room_id = r.id) as ordinal,
        sender_ordinal_at(r.id, ${owner.user.id})::int as of_owner
      from rooms r where r.id = ${roomId}`
    const { head, ordinal, of_owner: ofOwner } = before ?? assert.fail()
    const id = here.ids.next()
    const [old] = await processes.admin<{ appended: string[] }[]>`
      select to_json(append_messages(
        array[${roomId}]::uuid[], array[${head}]::bigint[], array[${id}]::uuid[], array[${roomId}]::uuid[],
        array[${head + 1}]::bigint[], array[${owner.user.id}]::uuid[], array[${owner.login.id}]::uuid[],
        array['old'], array['digest'], array['off'], array['from the version before'], array[1]::bigint[],
        array[${ordinal + 1}]::bigint[], array[${ofOwner + 1}]::bigint[]
      )) as appended`
    assert.deepEqual(old?.appended, [roomId])
    await send(here, roomId, owner, 'third')
    await auditOrdinals()
  })

  it('are decided anew where another process has written meanwhile', async () => {
    await send(there, room.roomId, room.member, 'from elsewhere')
    const sent = await sendHere(room.owner, 'second')
    assert.equal(codeOf(sent), null)
    assert.equal(wentTheLongWay(), true)
    await auditOrdinals()
  })

  it('take turns with those of another process without losing or doubling one', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        send(i % 2 === 0 ? here : there, room.roomId, room.owner, `both ${i}`),
      ),
    )
    await auditOrdinals()
  })

  it('are refused where another process has removed the sender, or made an observer of them', async () => {
    await leave(there, room.roomId, room.member)
    assert.equal(codeOf(await sendHere(room.member, 'still here')), 'NOT_FOUND')
    await sendHere(room.owner, 'second')
    const coOwner = room.observer
    await setRole(there, room.roomId, room.owner.actor, coOwner, 'owner')
    await setRole(there, room.roomId, coOwner.actor, room.owner, 'observer')
    assert.equal(codeOf(await sendHere(room.owner, 'third')), 'FORBIDDEN')
    await auditOrdinals()
  })

  it('are refused once another process has ended the login or disabled the account', async () => {
    await there.logins.end(room.member.login.id, null, 'ended', there.clock.nowMs())
    assert.equal(codeOf(await sendHere(room.member, 'still here')), 'UNAUTHENTICATED')
    await there.accounts.setDisabled(room.owner.user.id, true, there.clock.nowMs())
    assert.equal(codeOf(await sendHere(room.owner, 'still here')), 'UNAUTHENTICATED')
    await auditOrdinals()
  })

  it('are refused, all of a batch that come from an ended login, between those of one that lives', async () => {
    const { owner, roomId } = room
    const other = newLogin(here, owner.user.id)
    await here.logins.open({ login: other, refreshDigest: newDigest() })
    const onOther = { ...owner, actor: { ...owner.actor, loginId: other.id } }
    await sendHere(onOther, 'so that the login is known')
    await there.logins.end(other.id, null, 'ended', there.clock.nowMs())
    const senders = [owner, owner, onOther, onOther, owner, onOther]
    const results = await Promise.all(senders.map((sender, i) => trySend(here, roomId, sender, `text ${i}`)))
    const expected = senders.map((sender) => (sender === onOther ? 'UNAUTHENTICATED' : null))
    assert.deepEqual(results.map(codeOf), expected)
    await auditOrdinals()
  })

  it('answer the message that is there for a client id that was used', async () => {
    const once = { clientMessageId: 'once' }
    const first = await send(here, room.roomId, room.owner, 'once', once)
    assert.deepEqual(await send(here, room.roomId, room.owner, 'once', once), first)
    assert.equal(codeOf(await trySend(here, room.roomId, room.owner, 'another text', once)), 'CONFLICT')
    // The same id of someone else is another message, also in one batch with a repeated one.
    const [again, other] = await Promise.all([
      send(here, room.roomId, room.owner, 'once', once),
      send(here, room.roomId, room.member, 'once', once),
    ])
    assert.equal(again.id, first.id)
    assert.notEqual(other.id, first.id)
    await auditOrdinals()
  })

  it('are stored by the call where another room of the batch has used a client id', async () => {
    const elsewhere = await openRoomOfThree(here)
    await send(here, elsewhere.roomId, elsewhere.owner, 'first')
    const once = { clientMessageId: 'once' }
    const first = await send(here, room.roomId, room.owner, 'once', once)
    const calls = vi.spyOn(here.database, 'call')
    const [again] = await Promise.all([
      send(here, room.roomId, room.owner, 'once', once),
      send(here, elsewhere.roomId, elsewhere.owner, 'second'),
    ])
    assert.equal(again.id, first.id)
    const answers = await Promise.all(calls.mock.results.map(({ value }) => value))
    calls.mockRestore()
    assert.deepEqual(
      answers.filter((answer) => answer instanceof Set),
      [new Set([elsewhere.roomId])],
    )
    await auditOrdinals()
  })

  it('hold up nobody where one of a batch cannot be stored', async () => {
    const results = await Promise.allSettled([
      send(here, room.roomId, room.owner, 'fine'),
      send(here, room.roomId, room.member, 'NUL \0 is no text for Postgres'),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    await auditOrdinals()
  })
})
