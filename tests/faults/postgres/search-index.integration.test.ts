import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { RoomId } from '../../../core/domain/ids.js'
import { eventually } from '../../contracts/eventually.js'
import { edit, openRoom, openRoomOfThree, remove, send, sendAll } from '../../contracts/store.js'
import { HOLD_INDEXING, type IndexedStore, openIndexedStore, PATIENT } from './indexed-store.js'
import type { StoreProcess } from './processes.js'

const HOLD_COMMITS_OF_EDITS = `create constraint trigger held after update on messages
  deferrable initially deferred for each row execute function held()`

let search: IndexedStore
beforeEach(async () => {
  search = await openIndexedStore()
})
afterEach(() => search?.stop())

describe('the index of search', () => {
  it('is filled a little later, and search finds the same before, in the middle and after', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    await sendAll(search.store, roomId, owner, ['red apple', 'green apple', 'red cherry'])
    assert.deepEqual(await search.found(roomId, 'apple'), ['green apple', 'red apple'])
    search.startIndexer(search.store)
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    assert.deepEqual(await search.found(roomId, 'apple'), ['green apple', 'red apple'])
    await search.closeIndexers()
    await sendAll(search.store, roomId, owner, ['yellow apple'])
    assert.equal((await search.processes.admin`select 1 from message_words`).length, 3)
    assert.deepEqual(await search.found(roomId, 'apple'), ['yellow apple', 'green apple', 'red apple'])
    assert.deepEqual(await search.found(roomId, 'red'), ['red cherry', 'red apple'])
  })

  it('loses words with the text that had them, in the same transaction', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    const [first, second] = await sendAll(search.store, roomId, owner, ['apple one', 'apple two'])
    search.startIndexer(search.store)
    await search.allIndexed()
    await search.closeIndexers()
    await edit(search.store, owner.actor, first ?? assert.fail(), 'cherry one')
    await remove(search.store, owner.actor, second ?? assert.fail())
    const words = await search.processes.admin<{ words: string }[]>`select words::text from message_words`
    assert.deepEqual(
      words.map((row) => row.words.includes('cherry')),
      [true],
    )
    assert.deepEqual(await search.wrongWords(), [])
    assert.deepEqual(
      [await search.found(roomId, 'apple'), await search.found(roomId, 'cherry')],
      [[], ['cherry one']],
    )
  })

  it('does not get back what was edited away or deleted while it was being written', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    const [first, second] = await sendAll(search.store, roomId, owner, ['apple one', 'apple two'])
    const held = await search.gate(HOLD_INDEXING)
    search.startIndexer(search.store)
    await held.reached()
    const changes = [
      edit(search.store, owner.actor, first ?? assert.fail(), 'cherry one'),
      remove(search.store, owner.actor, second ?? assert.fail()),
    ]
    const sooner = await Promise.race([Promise.all(changes), sleep(300, 'they wait')])
    await held.open()
    await Promise.all(changes)
    assert.equal(sooner, 'they wait')
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    assert.deepEqual(
      [await search.found(roomId, 'apple'), await search.found(roomId, 'cherry')],
      [[], ['cherry one']],
    )
  })

  it('would get it back from an edit that does not wait, which these tests would tell', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    const sent = await send(search.store, roomId, owner, 'apple')
    const held = await search.gate(HOLD_INDEXING)
    search.startIndexer(search.store)
    await held.reached()
    await search.processes.admin`update messages set text = 'cherry' where id = ${sent.id}`
    await held.open()
    await search.allIndexed()
    assert.deepEqual(
      (await search.wrongWords()).map(({ seq, text }) => ({ seq, text })),
      [{ seq: sent.seq, text: 'cherry' }],
    )
  })

  it('never finds what a process without it has edited away or deleted', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    const sent = await sendAll(search.store, roomId, owner, ['apple one', 'apple two', 'apple three'])
    search.startIndexer(search.store)
    await search.allIndexed()
    await search.processes.admin`
      update messages set text = 'cherry one', edited_at_ms = 1 where id = ${sent[0]?.id ?? ''}`
    await search.processes
      .admin`update messages set text = '', deleted_at_ms = 1 where id = ${sent[1]?.id ?? ''}`
    assert.equal((await search.wrongWords()).length, 2)
    assert.deepEqual(await search.found(roomId, 'apple'), ['apple three'])
    assert.deepEqual(await search.found(roomId, 'one apple'), [])
    assert.deepEqual(await search.found(roomId, 'two'), [])
  })

  it('passes over a room in which an edit is under way, and has the new text afterwards', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    const other = await openRoom(search.store, owner)
    const first = await send(search.store, roomId, owner, 'apple one')
    search.startIndexer(search.store)
    await search.allIndexed()
    await search.closeIndexers()
    const second = await send(search.store, roomId, owner, 'apple two')
    await send(search.store, other.id, owner, 'plum')
    const held = await search.gate(HOLD_COMMITS_OF_EDITS)
    const editing = edit(search.store, owner.actor, second, 'cherry two')
    await held.reached()
    search.startIndexer(search.processes.start(PATIENT))
    const headOf = async (id: RoomId) =>
      (await search.processes.admin`select seq::int as seq from search_heads where room_id = ${id}`)[0]
        ?.seq ?? 0
    await eventually('the other room to be indexed', async () => (await headOf(other.id)) > 0)
    assert.equal(await headOf(roomId), first.seq)
    assert.deepEqual(await search.found(roomId, 'apple'), ['apple two', 'apple one'])
    await held.open()
    await editing
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    assert.deepEqual(await search.found(roomId, 'apple'), ['apple one'])
    assert.deepEqual(await search.found(roomId, 'cherry'), ['cherry two'])
  })

  it('is caught up by the next process where one has died with messages in mind', async () => {
    const rooms: RoomId[] = []
    for (let i = 0; i < 5; i += 1) {
      const { roomId, owner } = await openRoomOfThree(search.store)
      await sendAll(search.store, roomId, owner, ['apple', 'plum', 'cherry'])
      rooms.push(roomId)
    }
    // As few as make it read several pages of rooms, and several chunks of one.
    search.startIndexer(search.processes.start(PATIENT), { maxPending: 2, chunk: 2 })
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    for (const roomId of rooms) assert.deepEqual(await search.found(roomId, 'plum'), ['plum'])
  })

  it('is filled also for rooms of which the process had too many in mind', async () => {
    search.startIndexer(search.store, { maxPending: 1 })
    const { roomId, owner } = await openRoomOfThree(search.store)
    const rooms = [roomId]
    for (let i = 0; i < 5; i += 1) rooms.push((await openRoom(search.store, owner)).id)
    await Promise.all(rooms.map((id) => send(search.store, id, owner, 'apple')))
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    assert.equal((await search.processes.admin`select 1 from message_words`).length, rooms.length)
  })

  it('is filled after failures, which are told', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    await send(search.store, roomId, owner, 'apple')
    await search.processes.admin.unsafe(`
      create function failing() returns trigger language plpgsql as $$ begin raise 'out of order'; end $$;
      create trigger failing before insert on message_words execute function failing()`)
    search.startIndexer(search.store)
    await eventually('two failures', () => search.errors.length > 1)
    assert.deepEqual(await search.found(roomId, 'apple'), ['apple'])
    await search.processes.admin`drop trigger failing on message_words`
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
  })

  it('stays exact while two processes fill it and both send, edit and delete', async () => {
    const second = search.processes.start(PATIENT)
    const { roomId, owner } = await openRoomOfThree(search.store)
    const other = await openRoom(search.store, owner)
    search.startIndexer(search.store, { chunk: 3 })
    search.startIndexer(second, { chunk: 2 })
    const talk = async (by: StoreProcess, id: RoomId, name: string) => {
      for (let i = 0; i < 30; i += 1) {
        const mark = `${name}${i}`
        const sent = await send(by, id, owner, `apple ${mark}`)
        const change = i % 3
        if (change === 0) await edit(by, owner.actor, sent, `cherry ${mark}`)
        if (change === 1) await remove(by, owner.actor, sent)
        const left = [[`cherry ${mark}`], [], [`apple ${mark}`]][change]
        assert.deepEqual(await search.found(id, mark, by), left)
        assert.deepEqual(await search.found(id, `${mark} apple`, by), change === 2 ? left : [])
      }
    }
    await Promise.all([
      talk(search.store, roomId, 'a'),
      talk(search.store, other.id, 'b'),
      talk(second, roomId, 'c'),
      talk(second, other.id, 'd'),
    ])
    await search.allIndexed()
    assert.deepEqual(await search.wrongWords(), [])
    assert.deepEqual(search.errors, [])
  })
})
