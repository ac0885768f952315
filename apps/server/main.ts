import { readConfig } from './config/read-config.js'
import { EmbeddedPostgresFailed } from './embedded-postgres/index.js'
import { createLogger } from './ops/logger.js'
import { startServer } from './start-server.js'

/** What SIGTERM has at most; whatever is still open then is cut. */
const STOP_WITHIN_MS = 30_000

async function main(): Promise<void> {
  const reading = readConfig(process.env)
  if ('mistakes' in reading) {
    for (const mistake of reading.mistakes) process.stderr.write(`${mistake}\n`)
    process.exit(2)
  }
  const logger = createLogger(reading.config.logLevel)
  // A bug: nothing that runs after it can be trusted, and what was acked is committed.
  const die = (error: unknown) => {
    logger.fatal({ err: error }, 'the server ends because of a bug')
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)

  const server = await startServer(reading.config, logger)
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    logger.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), STOP_WITHIN_MS - 1_000).unref()
    await server.stop()
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
  process.stdout.write(`Parley is ready: ${server.url}\n`)
}

main().catch((error: unknown) => {
  const expected = error instanceof EmbeddedPostgresFailed
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${expected ? message : `Parley cannot start: ${message}`}\n`)
  process.exit(1)
})
