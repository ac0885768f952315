/**
 * Where a client keeps its login and its outbox, as texts by key. All tabs of one origin share one; so may several clients in
 * one process. Each key is written whole, and no two writes of one key are joined: the client gives every message a key.
 */
export interface ClientStorage {
  get(key: string): Promise<string | null>
  /** Resolves when the value outlives this page. Rejects where it cannot be kept. */
  set(key: string, value: string): Promise<void>
  /** Nothing where there is no such key. */
  delete(key: string): Promise<void>
  /** All keys with this beginning, in any order. */
  keys(prefix: string): Promise<readonly string[]>
  /**
   * Calls back after another tab or client changed something; answers how to stop. Without it the outbox of the others is looked at
   * before each send and at each connection, and the login before each renewal; nothing looks in between.
   */
  subscribe?(onChange: () => void): () => void
}

/** Keeps everything for as long as it lives. Clients that are given the same one behave as tabs of one browser do. */
export function memoryStorage(): ClientStorage {
  const values = new Map<string, string>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of [...listeners]) listener()
  }
  return {
    get: async (key) => values.get(key) ?? null,
    set: async (key, value) => {
      values.set(key, value)
      changed()
    },
    delete: async (key) => {
      if (values.delete(key)) changed()
    },
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
    subscribe(onChange) {
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
  }
}

/** The parts of the browser that are used here, so that no type of it is needed. */
type Browser = {
  readonly localStorage: {
    readonly length: number
    key(index: number): string | null
    getItem(key: string): string | null
    setItem(key: string, value: string): void
    removeItem(key: string): void
  }
  addEventListener(name: 'storage', listener: () => void): void
  removeEventListener(name: 'storage', listener: () => void): void
}

/** Keeps everything in the `localStorage` of the page: a message is stored before the page gets to do anything else. */
export function browserStorage(browser: Browser = globalThis as unknown as Browser): ClientStorage {
  const { localStorage } = browser
  return {
    get: async (key) => localStorage.getItem(key),
    set: async (key, value) => localStorage.setItem(key, value),
    delete: async (key) => localStorage.removeItem(key),
    keys: async (prefix) =>
      Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index)).filter(
        (key): key is string => key?.startsWith(prefix) === true,
      ),
    subscribe(onChange) {
      browser.addEventListener('storage', onChange)
      return () => browser.removeEventListener('storage', onChange)
    },
  }
}
