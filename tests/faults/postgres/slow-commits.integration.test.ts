import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openRoomOfThree, send } from '../../contracts/store.js'
import { type Processes, postgresOfProcesses } from './processes.js'

const ROOMS = 20
const MESSAGES_A_ROOM = 50
/** Two of a hundred writes each before it is known that commits are slow, then two of up to five hundred, and one to spare. */
const BATCHES_MAX = 5

describe('a database whose commits take long', () => {
  let processes: Processes

  beforeAll(async () => {
    processes = await postgresOfProcesses()
  })
  afterAll(() => processes.stop())

  it('gets what waits in few of them, so that nobody waits for many (fault P6)', async () => {
    const store = processes.start()
    const rooms = await Promise.all(Array.from({ length: ROOMS }, () => openRoomOfThree(store)))
    await processes.admin.unsafe(`
      create sequence batches;
      create function slow_batch() returns trigger language plpgsql as $$
        begin perform nextval('batches'), pg_sleep(0.1); return null; end $$;
      create trigger slow_batch after update on rooms for each statement execute function slow_batch();
      grant usage on sequence batches to public`)
    await Promise.all(
      rooms.flatMap(({ roomId, owner }) =>
        Array.from({ length: MESSAGES_A_ROOM }, (_, n) => send(store, roomId, owner, `message ${n}`)),
      ),
    )
    const [row] = await processes.admin<{ batches: number }[]>`select last_value::int as batches from batches`
    assert.ok(row !== undefined && row.batches <= BATCHES_MAX, `${row?.batches} batches`)
  })
})
