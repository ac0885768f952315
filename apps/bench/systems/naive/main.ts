import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { startEmbeddedPostgres } from '../../../server/embedded-postgres/index.js'
import { serve } from '../reference.js'

/**
 * What a user would write on Socket.io and Postgres: one transaction a message, then the room is told and the sender
 * answered. The database has the programs and settings of Parley's, and is empty after each start.
 */
const POOL = 8

const database = await startEmbeddedPostgres({ dataDir: String(process.env.BENCH_DATA_DIR) })
const sql = postgres(database.url, { max: POOL, onnotice: () => undefined })
await sql`drop table if exists message, room`
await sql`create table room (id uuid primary key, head integer not null)`
await sql`
  create table message (
    id uuid primary key,
    room_id uuid not null references room,
    seq integer not null,
    sender text not null,
    body text not null,
    at timestamptz not null default now(),
    unique (room_id, seq)
  )`

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void sql
      .end({ timeout: 1 })
      .then(() => database.stop())
      .then(() => process.exit(0))
  })
}

serve({
  async join(roomId) {
    await sql`insert into room (id, head) values (${roomId}, 0) on conflict do nothing`
  },
  async send({ io, roomId, senderId, text }) {
    const id = randomUUID()
    const seq = await sql.begin(async (transaction) => {
      const [room] = await transaction`
        update room set head = head + 1 where id = ${roomId} returning head`
      await transaction`
        insert into message (id, room_id, seq, sender, body) values (${id}, ${roomId}, ${room?.head}, ${senderId}, ${text})`
      return room?.head as number
    })
    io.to(roomId).emit('message', { id, roomId, seq, senderId, text })
    return { id, seq }
  },
})
