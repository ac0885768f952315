import type { LifetimesPatch, SetLifetimes } from '../domain/cache-lifetimes.js'

/** What operators have set for all processes of a deployment. */
export type StoredSettings = {
  /** Rises with each change; 0 before the first. */
  readonly version: number
  readonly lifetimes: SetLifetimes
}

export type SettingsPatch = { readonly lifetimes: LifetimesPatch }

export interface SettingsRepoPort {
  read(): Promise<StoredSettings>
  /** Merges a patch of checked values into what is stored, in one step: of changes at once none is lost. The settings after it. */
  change(patch: SettingsPatch): Promise<StoredSettings>
}
