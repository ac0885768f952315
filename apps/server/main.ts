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

  const starting = startServer(reading.config, logger)
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    logger.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), STOP_WITHIN_MS - 1_000).unref()
    // Also while it still starts: what is half up would stay behind, the embedded Postgres above all.
    const started = await starting.catch(() => null)
    await started?.stop()
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
  const { url } = await starting
  if (!stopping) process.stdout.write(`Parley is ready: ${url}\n`)
}

main().catch((error: unknown) => {
  const isForOperators = error instanceof EmbeddedPostgresFailed
  process.stderr.write(`${isForOperators ? error.message : `Parley cannot start: ${reasonOf(error)}`}\n`)
  process.exit(1)
})

/** One line; an outage of a port names what its technology said. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error && error.cause.message !== '' ? ` (${error.cause.message})` : ''
  return `${error.message}${cause}`.replaceAll(/\s*\n\s*/g, ' ')
}
