import { checkLifetimes } from '../../domain/cache-lifetimes.js'
import type { Refusal } from '../../domain/refusal.js'
import { ok, type Result } from '../../domain/result.js'
import type { SettingsPatch, SettingsRepoPort } from '../../ports/settings-repo-port.js'
import type { SettingsFeed } from '../feed/settings-feed.js'
import type { Settings } from './get-settings.js'

type Ports = { storedSettings: SettingsRepoPort; settingsFeed: SettingsFeed }

/**
 * For an administrator: changes settings of all processes, here at once and elsewhere within moments. What lies in a cache
 * already keeps the lifetime with which it was put there.
 */
export class ChangeSettings {
  constructor(private readonly ports: Ports) {}

  async execute(patch: SettingsPatch): Promise<Result<Settings, Refusal>> {
    const { storedSettings, settingsFeed } = this.ports
    const lifetimes = checkLifetimes(patch.lifetimes)
    if (!lifetimes.ok) return lifetimes
    await settingsFeed.learn(storedSettings.change({ lifetimes: lifetimes.value }))
    settingsFeed.announce()
    return ok({ lifetimes: { ...settingsFeed.lifetimes } })
  }
}
