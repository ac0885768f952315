import type { CacheLifetimes } from '../../domain/cache-lifetimes.js'
import { type Ok, ok } from '../../domain/result.js'
import type { SettingsRepoPort } from '../../ports/settings-repo-port.js'
import type { SettingsFeed } from '../feed/settings-feed.js'

type Ports = { storedSettings: SettingsRepoPort; settingsFeed: SettingsFeed }

/** What is in force, of which part an operator has set something. */
export type Settings = { readonly lifetimes: Readonly<CacheLifetimes> }

/** For an administrator: the settings as they are in force here, after whatever any process has changed until now. */
export class GetSettings {
  constructor(private readonly ports: Ports) {}

  async execute(): Promise<Ok<Settings>> {
    const { storedSettings, settingsFeed } = this.ports
    await settingsFeed.learn(storedSettings.read())
    return ok({ lifetimes: { ...settingsFeed.lifetimes } })
  }
}
