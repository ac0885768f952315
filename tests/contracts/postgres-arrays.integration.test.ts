import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../adapters/postgres/index.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

const ID = '01a21a04-bdf9-708b-aa42-95495d6f9a8f'

describe('arrays as parameters of Postgres', () => {
  let test: TestDatabase
  let database: Database

  beforeAll(async () => {
    test = await testDatabase()
    database = openDatabase({ url: test.url })
  })
  afterAll(async () => {
    await database?.close()
    await test?.drop()
  })

  const echoed = async (values: readonly unknown[], type: string): Promise<unknown> => {
    const [row] = await database.call(
      'test',
      (sql) => sql<{ json: unknown }[]>`select to_json(${values as string[]}::${sql.unsafe(type)}) as json`,
    )
    return row?.json
  }

  it.each([
    ['text[]', ['plain', 'a "quoted" word', 'back\\slash', '{a,b}', 'null', '', ' ', 'ü😀', null]],
    ['uuid[]', [ID, null, ID]],
    ['bigint[]', [0, -1, 2 ** 52, null]],
    ['float8[]', [0.5, 1e21, null]],
    ['text[]', []],
    ['uuid[]', []],
  ])('of %s come as they are: %j', async (type, values) => {
    expect(await echoed(values, type)).toEqual(values)
  })

  it('of boolean[] come as they are', async () => {
    expect(await echoed(['true', 'false', null], 'boolean[]')).toEqual([true, false, null])
  })
})
