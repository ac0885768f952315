import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { SearchIndexer } from '../../../adapters/postgres/index.js'
import type { RoomId } from '../../../core/domain/ids.js'
import { eventually } from '../../contracts/eventually.js'
import { edit, openRoom, openRoomOfThree, remove, send } from '../../contracts/store.js'
import { type Processes, postgresOfProcesses, type StoreProcess } from './processes.js'

let processes: Processes
let store: StoreProcess
const indexers: SearchIndexer[] = []

beforeEach(async () => {
  processes = await postgresOfProcesses()
  store = processes.start()
})
afterEach(async () => {
  await Promise.all(indexers.splice(0).map((indexer) => indexer.close()))
  await processes?.stop()
})

async function indexed(roomIds: readonly RoomId[]): Promise<void> {
  const indexer = new SearchIndexer(store.database, store.log, { delayMs: 1 })
  indexers.push(indexer)
  indexer.start()
  await eventually('the rooms to be indexed', async () => {
    const heads = await processes.admin`
      select from search_heads where room_id = any(${[...roomIds]}::uuid[]) and seq > 0`
    return heads.length === roomIds.length
  })
  await indexer.close()
}

/** As a process does that has stopped in the middle of indexing. */
async function holdHead(roomId: RoomId): Promise<{ readonly release: () => Promise<unknown> }> {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let locked = (): void => {}
  const isLocked = new Promise<void>((resolve) => {
    locked = resolve
  })
  const holding = processes.admin.begin(async (tx) => {
    await tx`select from search_heads where room_id = ${roomId} for no key update`
    locked()
    await released
  })
  await isLocked
  return {
    release: () => {
      release()
      return holding
    },
  }
}

describe('a search head that another process holds', () => {
  it('holds up the edits and deletions of its room alone', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    const other = await openRoom(store, owner)
    const [first, second] = [await send(store, roomId, owner, 'one'), await send(store, roomId, owner, 'two')]
    const elsewhere = await send(store, other.id, owner, 'plum')
    await indexed([roomId, other.id])
    const held = await holdHead(roomId)
    const changes = Promise.all([
      edit(store, owner.actor, first, 'new one'),
      remove(store, owner.actor, second),
    ])
    // Of the same batch.
    const startedMs = performance.now()
    await edit(store, owner.actor, elsewhere, 'cherry')
    await send(store, roomId, owner, 'three')
    const tookMs = performance.now() - startedMs
    const sooner = await Promise.race([changes, sleep(2_500, 'they wait')])
    await send(store, roomId, owner, 'four')
    await held.release()
    await changes
    assert.equal(sooner, 'they wait')
    assert.ok(tookMs < 1_000, `the others took ${tookMs} ms`)
    const { messages } = await store.messages.search(roomId, 'one', null, 10)
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['new one'],
    )
  })

  it('is given back soon by an indexer that says nothing any more', async () => {
    const { roomId, owner } = await openRoomOfThree(store)
    await processes.admin.unsafe(`
      create table allowed (silence text);
      grant all on allowed to public;
      create function note() returns trigger language plpgsql as $$
      begin
        insert into allowed select current_setting('idle_in_transaction_session_timeout');
        return new;
      end $$;
      create trigger note before insert on message_words for each row execute function note()`)
    await send(store, roomId, owner, 'apple')
    await indexed([roomId])
    assert.deepEqual([...(await processes.admin`select silence from allowed`)], [{ silence: '500ms' }])
  })
})
