import { usableLifetimes } from '../../core/domain/cache-lifetimes.js'
import type { SettingsPatch, SettingsRepoPort, StoredSettings } from '../../core/ports/settings-repo-port.js'
import { frozen } from './freeze.js'
import type { MemoryDatabase } from './memory-database.js'

/** What operators have set, in memory. */
export class MemorySettingsRepo implements SettingsRepoPort {
  constructor(private readonly database: MemoryDatabase) {}

  async read(): Promise<StoredSettings> {
    return this.database.settings
  }

  async change(patch: SettingsPatch): Promise<StoredSettings> {
    const { version, lifetimes } = this.database.settings
    // Null is no lifetime, so what it takes back is left out.
    const merged = usableLifetimes({ ...lifetimes, ...patch.lifetimes })
    this.database.settings = frozen({ version: version + 1, lifetimes: merged })
    return this.database.settings
  }
}
