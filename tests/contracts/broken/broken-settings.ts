import { usableLifetimes } from '../../../core/domain/cache-lifetimes.js'
import { makeMemoryStore } from '../memory-store.js'
import type { Store } from '../store.js'
import { brokenBy } from './broken-by.js'

const NOTHING = { sessionMs: null, memberMs: null, messagesMs: null }

/** Answers as if it had stored what it was given. */
export function forgetfulSettings(): Store {
  const store = makeMemoryStore()
  const storedSettings = brokenBy(store.storedSettings, {
    change: async ({ lifetimes }) => {
      const stored = await store.storedSettings.change({ lifetimes: {} })
      return { ...stored, lifetimes: usableLifetimes(lifetimes) }
    },
  })
  return { ...store, storedSettings }
}

/** Reads, and writes a little later what it read with its change. */
export function hastySettings(): Store {
  const store = makeMemoryStore()
  const storedSettings = brokenBy(store.storedSettings, {
    change: async (patch) => {
      const { lifetimes } = await store.storedSettings.read()
      await new Promise((resolve) => setImmediate(resolve))
      return store.storedSettings.change({ lifetimes: { ...NOTHING, ...lifetimes, ...patch.lifetimes } })
    },
  })
  return { ...store, storedSettings }
}

/** Forgets what a change does not name. */
export function wholesaleSettings(): Store {
  const store = makeMemoryStore()
  const storedSettings = brokenBy(store.storedSettings, {
    change: (patch) => store.storedSettings.change({ lifetimes: { ...NOTHING, ...patch.lifetimes } }),
  })
  return { ...store, storedSettings }
}

/** Takes nothing back, always says the same version, and gives away what it holds. */
export function carelessSettings(): Store {
  const settings = { version: 1, lifetimes: {} }
  const storedSettings: Store['storedSettings'] = {
    read: async () => settings,
    change: async ({ lifetimes }) => {
      const given = Object.entries(lifetimes).filter(([, value]) => value !== null)
      Object.assign(settings.lifetimes, Object.fromEntries(given))
      return settings
    },
  }
  return { ...makeMemoryStore(), storedSettings }
}
