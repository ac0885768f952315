import type { Logger } from 'pino'
import { prepareStorage } from './composition/prepare-storage.js'
import type { ServerConfig } from './config/read-config.js'
import type { RunningServer } from './serve.js'

/** Prepares the storage, and serves on it. What is up already goes down again if a later part fails. */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  const preparing = prepareStorage(config, logger)
  // Most of the program is loaded only here, while the embedded Postgres starts.
  const loading = import('./serve.js')
  await Promise.allSettled([preparing, loading])
  const storage = await preparing
  try {
    const { serve } = await loading
    return await serve(config, logger, storage)
  } catch (error) {
    await storage.release()
    throw error
  }
}
