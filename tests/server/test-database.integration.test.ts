import postgres from 'postgres'
import { expect, it } from 'vitest'
import { testDatabase } from '../support/postgres.js'

it('gives each caller an empty database of its own, and removes it under open connections', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()])
  const sql = postgres(one.url, { max: 1, onnotice: () => undefined })
  const admin = postgres(two.adminUrl, { max: 1 })
  try {
    await sql`create table note (text text)`
    expect(await admin`select to_regclass('note') as found`).toEqual([{ found: null }])
    await one.drop()
    await expect(sql`select 1`).rejects.toThrow()
  } finally {
    await Promise.all([sql.end({ timeout: 1 }), admin.end()])
    await two.drop()
  }
})
