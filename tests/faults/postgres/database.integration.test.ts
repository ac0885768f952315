import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openDatabase, StatementRefused } from '../../../adapters/postgres/index.js'
import { assertUnavailable, type Processes, postgresOfProcesses } from './processes.js'

const caught = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    () => assert.fail('did not fail'),
    (error: unknown) => error,
  )

describe('Database', () => {
  let processes: Processes

  beforeAll(async () => {
    processes = await postgresOfProcesses()
  })
  afterAll(() => processes?.stop())

  it('ends a statement that takes too long', async () => {
    const { database } = processes.start({ queryDeadlineMs: 2_000, statementTimeoutMs: 100 })
    const startedAt = performance.now()
    assertUnavailable(await caught(database.call('test', (sql) => sql`select pg_sleep(10)`)))
    assert.ok(performance.now() - startedAt < 1_500)
  })

  it('gives a call up at the deadline even where the server does not end it', async () => {
    const { database } = processes.start({ queryDeadlineMs: 200, statementTimeoutMs: 3_000 })
    const startedAt = performance.now()
    assertUnavailable(await caught(database.call('test', (sql) => sql`select pg_sleep(1)`)))
    assert.ok(performance.now() - startedAt < 900)
  })

  it('keeps to the connection that was used last, whatever the number of those that are open', async () => {
    const { database } = processes.start({ poolSize: 5 })
    const backendOf = async (holdS: number) => {
      const [row] = await database.call(
        'test',
        (sql) => sql`select pg_backend_pid() as pid, pg_sleep(${holdS})`,
      )
      return Number(row?.pid)
    }
    const opened = new Set(await Promise.all([1, 2, 3, 4, 5].map(() => backendOf(0.1))))
    assert.equal(opened.size, 5)
    const used = new Set<number>()
    for (let i = 0; i < 10; i += 1) used.add(await backendOf(0))
    assert.equal(used.size, 1)
    assert.ok([...used].every((pid) => opened.has(pid)))
  })

  it('opens nothing more once it is closed', async () => {
    const { database } = processes.start()
    assert.equal((await database.health()).ok, true)
    await database.close()
    assertUnavailable(await caught(database.call('test', (sql) => sql`select 1`)))
  })

  it('refuses at once when its queue is full, and serves again afterwards (fault P3)', async () => {
    const { database } = processes.start({ poolSize: 2, maxQueued: 3 })
    const running = Array.from({ length: 5 }, () => database.call('test', (sql) => sql`select pg_sleep(0.3)`))
    const startedAt = performance.now()
    assertUnavailable(await caught(database.call('test', (sql) => sql`select 1`)))
    assert.ok(performance.now() - startedAt < 100)
    await Promise.all(running)
    assert.deepEqual(database.load(), { running: 0, waiting: 0 })
    assert.equal((await database.health()).ok, true)
  })

  it('runs a transaction again that a deadlock rolled back, with one effect (fault P5)', async () => {
    const { database } = processes.start()
    await processes.admin`create table if not exists effects (id int)`
    await processes.admin`grant all on effects to public`
    let attempts = 0
    const inOrder = (one: number, two: number) =>
      database.transaction('test', async (tx) => {
        attempts += 1
        await tx`insert into effects values (${one})`
        await tx`select pg_advisory_xact_lock(${one}::bigint)`
        await tx`select pg_sleep(0.1)`
        await tx`select pg_advisory_xact_lock(${two}::bigint)`
      })
    await Promise.all([inOrder(1, 2), inOrder(2, 1)])
    assert.ok(attempts > 2, 'there was no deadlock')
    const effects = await database.call(
      'test',
      (sql) => sql<{ id: number }[]>`select id from effects order by id`,
    )
    assert.deepEqual(
      effects.map(({ id }) => id),
      [1, 2],
    )
  })

  it('tells what the database will never accept apart from an outage, and shows no values', async () => {
    const { database } = processes.start()
    const error = await caught(
      database.call('test', (sql) => sql`insert into users (id, email) values (${'a secret'}, ${'a@b.c'})`),
    )
    assert.ok(error instanceof StatementRefused)
    assert.deepEqual([error.port, error.code], ['test', '22P02'])
    assert.equal(JSON.stringify([error, error.message, error.cause]).includes('secret'), false)
  })

  it('throws what the caller of a transaction threw, and rolls back', async () => {
    const { database } = processes.start()
    const bug = new TypeError('a bug')
    const error = await caught(
      database.transaction('test', async (tx) => {
        await tx`insert into creations values (${'00000000-0000-7000-8000-000000000000'}, 'room', 'a', 'b', 'c')`
        throw bug
      }),
    )
    assert.equal(error, bug)
    assert.equal((await database.call('test', (sql) => sql`select 1 from creations`)).length, 0)
  })

  it('is unavailable where nothing listens', async () => {
    const database = openDatabase({ url: 'postgres://nobody@127.0.0.1:1/nothing', queryDeadlineMs: 2_000 })
    assertUnavailable(await caught(database.call('test', (sql) => sql`select 1`)))
    assert.equal((await database.health()).ok, false)
    await database.close()
  })
})
