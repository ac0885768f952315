import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { SearchIndexerOptions } from '../../../adapters/postgres/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { eventually } from '../../contracts/eventually.js'
import { openRoom, openRoomOfThree, send, sendAll } from '../../contracts/store.js'
import { HOLD_INDEXING, type IndexedStore, openIndexedStore } from './indexed-store.js'

let search: IndexedStore
beforeEach(async () => {
  search = await openIndexedStore()
})
afterEach(() => search?.stop())

describe('the index of search, by and by,', () => {
  it('is filled for a new message before the end of a room with many', async () => {
    const { roomId: long, owner } = await openRoomOfThree(search.store)
    const { id: short } = await openRoom(search.store, owner)
    await sendAll(search.store, long, owner, Array<string>(20).fill('apple'))
    const held = await search.gate(HOLD_INDEXING)
    search.startIndexer(search.store, { chunk: 1 })
    await held.reached()
    await send(search.store, short, owner, 'plum')
    await held.open()
    await search.allIndexed()
    const inOrder = await search.processes.admin<{ room_id: RoomId }[]>`
      select room_id from message_words order by xmin::text::bigint`
    assert.equal(inOrder.length, 21)
    const turn = inOrder.findIndex(({ room_id }) => room_id === short)
    assert.ok(turn < 10, `it was number ${turn}`)
  })

  it('is filled by smaller chunks while the database takes long for them', async () => {
    const { roomId, owner } = await openRoomOfThree(search.store)
    await sendAll(search.store, roomId, owner, Array<string>(450).fill('apple'))
    await search.processes.admin.unsafe(`
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.003); return new; end $$;
      create trigger slow before insert on message_words for each row execute function slow()`)
    search.startIndexer(search.store)
    await search.allIndexed()
    const chunks = await search.processes.admin<{ size: number }[]>`
      select count(*)::int as size from message_words group by xmin order by xmin::text::bigint`
    // The first has the room's other events in it.
    const [first = 0, ...others] = chunks.map(({ size }) => size)
    assert.ok(first > 190 && first <= 200, `a first chunk of ${first}`)
    assert.deepEqual(others.slice(0, 4), [100, 50, 25, 13])
    assert.ok(Math.max(...others.slice(4)) <= 13, `chunks of ${others}`)
  })

  describe('in a rush of sends', () => {
    let stopRush: () => Promise<void>
    afterEach(() => stopRush())

    /** Rooms that the indexer has looked at before, and a rush into one more. */
    async function rush(count: number, options: SearchIndexerOptions) {
      const { roomId: busy, owner } = await openRoomOfThree(search.store)
      const rooms: RoomId[] = []
      for (let i = 0; i < count; i += 1) rooms.push((await openRoom(search.store, owner)).id)
      // Any message makes a rush of a second.
      search.startIndexer(search.store, { delayMs: 1_000, rushPerSecond: 0, ...options })
      for (const id of [busy, ...rooms]) await send(search.store, id, owner, 'first')
      await search.allIndexed()
      let isOn = true
      const sending = (async () => {
        while (isOn) await Promise.all([send(search.store, busy, owner, 'cherry'), sleep(100)])
      })()
      stopRush = async () => {
        isOn = false
        await sending
      }
      return { rooms, owner }
    }

    const indexedOf = async (id: RoomId | undefined) =>
      (await search.processes.admin`select 1 from message_words where room_id = ${id ?? ''}`).length

    it('waits for its end where a search can read the new messages as they are', async () => {
      const { rooms, owner } = await rush(2, { tailMax: 20 })
      const [short, long] = rooms
      assert(short !== undefined && long !== undefined)
      await sendAll(search.store, short, owner, Array<string>(10).fill('plum'))
      await sendAll(search.store, long, owner, Array<string>(40).fill('apple'))
      await eventually('the long room to be indexed', async () => (await indexedOf(long)) === 41, 40_000)
      assert.equal(await indexedOf(short), 1)
      assert.equal((await search.found(short, 'plum')).length, 10)
      await stopRush()
      await search.allIndexed()
      assert.equal(await indexedOf(short), 11)
    })

    it('waits for nothing where more rooms have new messages than it likes to remember', async () => {
      const { rooms, owner } = await rush(3, { maxPending: 4 })
      await Promise.all(rooms.map((id) => send(search.store, id, owner, 'plum')))
      await eventually(
        'all to be indexed',
        async () => (await Promise.all(rooms.map(indexedOf))).every((count) => count === 2),
        40_000,
      )
    })
  })
})
