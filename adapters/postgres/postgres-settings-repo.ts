import { usableLifetimes } from '../../core/domain/cache-lifetimes.js'
import type { SettingsPatch, SettingsRepoPort, StoredSettings } from '../../core/ports/settings-repo-port.js'
import type { Database } from './database.js'

const PORT = 'SettingsRepoPort'

type Row = { readonly version: number; readonly lifetimes: Readonly<Record<string, unknown>> }

/** What operators have set, in one row, which exists from the first change on. */
export class PostgresSettingsRepo implements SettingsRepoPort {
  constructor(private readonly database: Database) {}

  async read(): Promise<StoredSettings> {
    const rows = await this.database.call(PORT, (sql) => sql<Row[]>`select version, lifetimes from settings`)
    return toStored(rows)
  }

  async change(patch: SettingsPatch): Promise<StoredSettings> {
    const lifetimes = JSON.stringify(patch.lifetimes)
    const rows = await this.database.call(
      PORT,
      (sql) => sql<Row[]>`
        insert into settings as s (version, lifetimes)
        values (1, jsonb_strip_nulls(${lifetimes}::text::jsonb))
        on conflict (is_only) do update
        set version = s.version + 1, lifetimes = jsonb_strip_nulls(s.lifetimes || ${lifetimes}::text::jsonb)
        returning version, lifetimes`,
    )
    return toStored(rows)
  }
}

const toStored = ([row]: readonly Row[]): StoredSettings =>
  row === undefined
    ? { version: 0, lifetimes: {} }
    : { version: row.version, lifetimes: usableLifetimes(row.lifetimes) }
