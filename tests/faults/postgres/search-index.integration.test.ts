import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { SearchIndexer, type SearchIndexerOptions } from '../../../adapters/postgres/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { eventually } from '../../contracts/eventually.js'
import { edit, openRoom, openRoomOfThree, remove, send, sendAll } from '../../contracts/store.js'
import { type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

/** For what these tests hold, on a busy machine. */
const PATIENT = { queryDeadlineMs: 40_000, statementTimeoutMs: 30_000, lockTimeoutMs: 20_000 }

let processes: Processes
let store: StoreProcess
const indexers: SearchIndexer[] = []
const errors: unknown[] = []

beforeEach(async () => {
  processes = await postgresOfProcesses()
  store = processes.start(PATIENT)
  errors.length = 0
})
afterEach(async () => {
  await Promise.all(indexers.splice(0).map((indexer) => indexer.close()))
  await processes?.stop()
})

function startIndexer(on: StoreProcess, options: SearchIndexerOptions = {}): SearchIndexer {
  const onError = (error: unknown) => errors.push(error)
  const quick = { delayMs: 1, retryMs: 20, rushPerSecond: Number.POSITIVE_INFINITY }
  const indexer = new SearchIndexer(on.database, on.log, { ...quick, onError, ...options })
  indexers.push(indexer)
  indexer.start()
  return indexer
}

async function found(roomId: RoomId, query: string, by: StoreProcess = store): Promise<readonly string[]> {
  const { messages } = await by.messages.search(roomId, query, null, 10)
  return messages.map(({ text }) => text)
}

const allIndexed = () =>
  eventually(
    'all messages to be indexed',
    async () => {
      const missing = await processes.admin`
        select m.id from messages m left join search_heads h on h.room_id = m.room_id
        where m.seq > coalesce(h.seq, 0)`
      return missing.length === 0
    },
    40_000,
  )

/** What is in the index and should not be, or the reverse, past all adapters. */
const wrongWords = async () => {
  const rows = await processes.admin<{ seq: number; words: string | null; text: string | null }[]>`
    select coalesce(m.seq, w.seq)::int as seq, w.words::text, m.text
    from messages m full join message_words w on w.room_id = m.room_id and w.seq = m.seq
    left join search_heads h on h.room_id = coalesce(m.room_id, w.room_id)
    where case
      when m.deleted_at_ms is null and m.seq <= h.seq
        then w.words is distinct from words_of(m.room_id, m.text)
      else w.seq is not null
    end`
  return [...rows]
}

/** Holds whoever comes to the trigger that `statement` creates, until `open`. It sleeps, as locks have time-outs of their own. */
async function gate(statement: string) {
  const { admin } = processes
  await admin.unsafe(`
    create table gate as select true as is_closed;
    grant select on gate to public;
    create function held() returns trigger language plpgsql as $$
    begin
      while (select is_closed from gate) loop
        perform pg_sleep(0.01);
      end loop;
      return new;
    end $$;
    ${statement}`)
  return {
    reached: () =>
      eventually('somebody at the gate', async () => {
        const waiting = await admin`
          select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
        return waiting.length > 0
      }),
    open: () => admin`update gate set is_closed = false`,
  }
}

const HOLD_INDEXING =
  'create trigger held before insert on message_words for each row execute function held()'
const HOLD_COMMITS_OF_EDITS = `create constraint trigger held after update on messages
  deferrable initially deferred for each row execute function held()`

describe('the index of search', () => {
  it('is filled a little later, and search finds the same before, in the middle and after', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, ['red apple', 'green apple', 'red cherry'])
    assert.deepEqual(await found(roomId, 'apple'), ['green apple', 'red apple'])
    startIndexer(store)
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    assert.deepEqual(await found(roomId, 'apple'), ['green apple', 'red apple'])
    await Promise.all(indexers.map((indexer) => indexer.close()))
    await sendAll(store, roomId, owner, ['yellow apple'])
    assert.equal((await processes.admin`select 1 from message_words`).length, 3)
    assert.deepEqual(await found(roomId, 'apple'), ['yellow apple', 'green apple', 'red apple'])
    assert.deepEqual(await found(roomId, 'red'), ['red cherry', 'red apple'])
  })

  it('loses words with the text that had them, in the same transaction', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [first, second] = await sendAll(store, roomId, owner, ['apple one', 'apple two'])
    startIndexer(store)
    await allIndexed()
    await Promise.all(indexers.map((indexer) => indexer.close()))
    await edit(store, owner.actor, first ?? assert.fail(), 'cherry one')
    await remove(store, owner.actor, second ?? assert.fail())
    const words = await processes.admin<{ words: string }[]>`select words::text from message_words`
    assert.deepEqual(
      words.map((row) => row.words.includes('cherry')),
      [true],
    )
    assert.deepEqual(await wrongWords(), [])
    assert.deepEqual([await found(roomId, 'apple'), await found(roomId, 'cherry')], [[], ['cherry one']])
  })

  it('does not get back what was edited away or deleted while it was being written', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const [first, second] = await sendAll(store, roomId, owner, ['apple one', 'apple two'])
    const held = await gate(HOLD_INDEXING)
    startIndexer(store)
    await held.reached()
    const changes = [
      edit(store, owner.actor, first ?? assert.fail(), 'cherry one'),
      remove(store, owner.actor, second ?? assert.fail()),
    ]
    const sooner = await Promise.race([Promise.all(changes), sleep(300, 'they wait')])
    await held.open()
    await Promise.all(changes)
    assert.equal(sooner, 'they wait')
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    assert.deepEqual([await found(roomId, 'apple'), await found(roomId, 'cherry')], [[], ['cherry one']])
  })

  it('would get it back from an edit that does not wait, which these tests would tell', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await send(store, roomId, owner, 'apple')
    const held = await gate(HOLD_INDEXING)
    startIndexer(store)
    await held.reached()
    await processes.admin`update messages set text = 'cherry' where id = ${sent.id}`
    await held.open()
    await allIndexed()
    assert.deepEqual(
      (await wrongWords()).map(({ seq, text }) => ({ seq, text })),
      [{ seq: sent.seq, text: 'cherry' }],
    )
  })

  it('never finds what a process without it has edited away or deleted', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const sent = await sendAll(store, roomId, owner, ['apple one', 'apple two', 'apple three'])
    startIndexer(store)
    await allIndexed()
    await processes.admin`
      update messages set text = 'cherry one', edited_at_ms = 1 where id = ${sent[0]?.id ?? ''}`
    await processes.admin`update messages set text = '', deleted_at_ms = 1 where id = ${sent[1]?.id ?? ''}`
    assert.equal((await wrongWords()).length, 2)
    assert.deepEqual(await found(roomId, 'apple'), ['apple three'])
    assert.deepEqual(await found(roomId, 'one apple'), [])
    assert.deepEqual(await found(roomId, 'two'), [])
  })

  it('passes over a room in which an edit is under way, and has the new text afterwards', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    const first = await send(store, roomId, owner, 'apple one')
    startIndexer(store)
    await allIndexed()
    await Promise.all(indexers.map((indexer) => indexer.close()))
    const second = await send(store, roomId, owner, 'apple two')
    await send(store, other.id, owner, 'plum')
    const held = await gate(HOLD_COMMITS_OF_EDITS)
    const editing = edit(store, owner.actor, second, 'cherry two')
    await held.reached()
    startIndexer(processes.start(PATIENT))
    const headOf = async (id: RoomId) =>
      (await processes.admin`select seq::int as seq from search_heads where room_id = ${id}`)[0]?.seq ?? 0
    await eventually('the other room to be indexed', async () => (await headOf(other.id)) > 0)
    assert.equal(await headOf(roomId), first.seq)
    assert.deepEqual(await found(roomId, 'apple'), ['apple two', 'apple one'])
    await held.open()
    await editing
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    assert.deepEqual(await found(roomId, 'apple'), ['apple one'])
    assert.deepEqual(await found(roomId, 'cherry'), ['cherry two'])
  })

  it('is caught up by the next process where one has died with messages in mind', async () => {
    const rooms: RoomId[] = []
    for (let i = 0; i < 5; i += 1) {
      const { roomId, owner } = await openRoomOfThree(store)
      await sendAll(store, roomId, owner, ['apple', 'plum', 'cherry'])
      rooms.push(roomId)
    }
    // As few as make it read several pages of rooms, and several chunks of one.
    startIndexer(processes.start(PATIENT), { maxPending: 2, chunk: 2 })
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    for (const roomId of rooms) assert.deepEqual(await found(roomId, 'plum'), ['plum'])
  })

  it('is filled also for rooms of which the process had too many in mind', async () => {
    startIndexer(store, { maxPending: 1 })
    const { roomId, owner } = await openRoomOfThree(store)
    const rooms = [roomId]
    for (let i = 0; i < 5; i += 1) rooms.push((await openRoom(store, owner)).id)
    await Promise.all(rooms.map((id) => send(store, id, owner, 'apple')))
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    assert.equal((await processes.admin`select 1 from message_words`).length, rooms.length)
  })

  it('is filled for a new message before the end of a room with many', async () => {
    const { roomId: long, owner } = await openRoomOfThree(store)
    const { id: short } = await openRoom(store, owner)
    await sendAll(store, long, owner, Array<string>(20).fill('apple'))
    const held = await gate(HOLD_INDEXING)
    startIndexer(store, { chunk: 1 })
    await held.reached()
    await send(store, short, owner, 'plum')
    await held.open()
    await allIndexed()
    const inOrder = await processes.admin<{ room_id: RoomId }[]>`
      select room_id from message_words order by xmin::text::bigint`
    assert.equal(inOrder.length, 21)
    const turn = inOrder.findIndex(({ room_id }) => room_id === short)
    assert.ok(turn < 10, `it was number ${turn}`)
  })

  describe('in a rush of sends', () => {
    let stopRush: () => Promise<void>
    afterEach(() => stopRush())

    /** Rooms that the indexer has looked at before, and a rush into one more. */
    async function rush(count: number, options: SearchIndexerOptions) {
      const { roomId: busy, owner } = await openRoomOfThree(store)
      const rooms: RoomId[] = []
      for (let i = 0; i < count; i += 1) rooms.push((await openRoom(store, owner)).id)
      // Any message makes a rush of a second.
      startIndexer(store, { delayMs: 1_000, rushPerSecond: 0, ...options })
      for (const id of [busy, ...rooms]) await send(store, id, owner, 'first')
      await allIndexed()
      let isOn = true
      const sending = (async () => {
        while (isOn) await Promise.all([send(store, busy, owner, 'cherry'), sleep(100)])
      })()
      stopRush = async () => {
        isOn = false
        await sending
      }
      return { rooms, owner }
    }

    const indexedOf = async (id: RoomId | undefined) =>
      (await processes.admin`select 1 from message_words where room_id = ${id ?? ''}`).length

    it('waits for its end where a search can read the new messages as they are', async () => {
      const { rooms, owner } = await rush(2, { tailMax: 20 })
      const [short, long] = rooms
      assert(short !== undefined && long !== undefined)
      await sendAll(store, short, owner, Array<string>(10).fill('plum'))
      await sendAll(store, long, owner, Array<string>(40).fill('apple'))
      await eventually('the long room to be indexed', async () => (await indexedOf(long)) === 41, 40_000)
      assert.equal(await indexedOf(short), 1)
      assert.equal((await found(short, 'plum')).length, 10)
      await stopRush()
      await allIndexed()
      assert.equal(await indexedOf(short), 11)
    })

    it('waits for nothing where more rooms have new messages than it likes to remember', async () => {
      const { rooms, owner } = await rush(3, { maxPending: 4 })
      await Promise.all(rooms.map((id) => send(store, id, owner, 'plum')))
      await eventually(
        'all to be indexed',
        async () => (await Promise.all(rooms.map(indexedOf))).every((count) => count === 2),
        40_000,
      )
    })
  })

  it('is filled by smaller chunks while the database takes long for them', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await sendAll(store, roomId, owner, Array<string>(450).fill('apple'))
    await processes.admin.unsafe(`
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.003); return new; end $$;
      create trigger slow before insert on message_words for each row execute function slow()`)
    startIndexer(store)
    await allIndexed()
    const chunks = await processes.admin<{ size: number }[]>`
      select count(*)::int as size from message_words group by xmin order by xmin::text::bigint`
    // The first has the room's other events in it.
    const [first = 0, ...others] = chunks.map(({ size }) => size)
    assert.ok(first > 190 && first <= 200, `a first chunk of ${first}`)
    assert.deepEqual(others.slice(0, 4), [100, 50, 25, 13])
    assert.ok(Math.max(...others.slice(4)) <= 13, `chunks of ${others}`)
  })

  it('is filled after failures, which are told', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await send(store, roomId, owner, 'apple')
    await processes.admin.unsafe(`
      create function failing() returns trigger language plpgsql as $$ begin raise 'out of order'; end $$;
      create trigger failing before insert on message_words execute function failing()`)
    startIndexer(store)
    await eventually('two failures', () => errors.length > 1)
    assert.deepEqual(await found(roomId, 'apple'), ['apple'])
    await processes.admin`drop trigger failing on message_words`
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
  })

  it('stays exact while two processes fill it and both send, edit and delete', async () => {
    const second = processes.start(PATIENT)
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    startIndexer(store, { chunk: 3 })
    startIndexer(second, { chunk: 2 })
    const talk = async (by: StoreProcess, id: RoomId, name: string) => {
      for (let i = 0; i < 30; i += 1) {
        const mark = `${name}${i}`
        const sent = await send(by, id, owner, `apple ${mark}`)
        const change = i % 3
        if (change === 0) await edit(by, owner.actor, sent, `cherry ${mark}`)
        if (change === 1) await remove(by, owner.actor, sent)
        const left = [[`cherry ${mark}`], [], [`apple ${mark}`]][change]
        assert.deepEqual(await found(id, mark, by), left)
        assert.deepEqual(await found(id, `${mark} apple`, by), change === 2 ? left : [])
      }
    }
    await Promise.all([
      talk(store, roomId, 'a'),
      talk(store, other.id, 'b'),
      talk(second, roomId, 'c'),
      talk(second, other.id, 'd'),
    ])
    await allIndexed()
    assert.deepEqual(await wrongWords(), [])
    assert.deepEqual(errors, [])
  })
})
