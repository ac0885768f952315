import type { Logger } from 'pino'
import type { DatabaseOptions } from '../../../adapters/postgres/index.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import type { ServerConfig } from '../config/read-config.js'
import { generatedSecret } from '../config/secrets.js'
import { prepareDataDirectory, startEmbeddedPostgres } from '../embedded-postgres/index.js'

export type Storage = {
  readonly database: DatabaseOptions
  readonly authSecret: string
  /** Ends the embedded Postgres, where there is one. */
  release(): Promise<void>
}

/** A Postgres with the schema of this version, the embedded one or that of `DATABASE_URL`, and the secret that signs tokens. */
export async function prepareStorage(config: ServerConfig, logger: Logger): Promise<Storage> {
  const place =
    config.databaseUrl === null ? await embedded(config, logger) : external(config, config.databaseUrl)
  try {
    await place.migrate()
    const { database, release } = place
    return {
      database,
      release,
      authSecret:
        config.authSecret ??
        (await generatedSecret(await prepareDataDirectory(config.dataDir), 'auth-secret')),
    }
  } catch (error) {
    await place.release()
    throw error
  }
}

/** The adapters are loaded while the embedded Postgres starts, not before. */
async function migrateAt(url: string): Promise<void> {
  const { migrate } = await import('../../../adapters/postgres/index.js')
  await migrate(url)
}

type Place = Pick<Storage, 'database' | 'release'> & { migrate(): Promise<void> }

function external(config: ServerConfig, url: string): Place {
  const directUrl = config.databaseDirectUrl ?? url
  const variable = directUrl === url ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL'
  return {
    database: { url, directUrl },
    async migrate() {
      await migrateAt(directUrl).catch((error: unknown) => {
        if (!(error instanceof PortUnavailable)) throw error
        // The operator has to know which of their settings to look at; passwords stay out of it.
        throw new Error(`Postgres at ${new URL(directUrl).host} (${variable}) cannot be used`, {
          cause: error.cause,
        })
      })
    },
    release: async () => undefined,
  }
}

async function embedded(config: ServerConfig, logger: Logger): Promise<Place> {
  const postgres = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (line) => logger.info({ part: 'postgres' }, line),
  })
  postgres.onLost(({ cause, final }) => {
    logger.error({ err: cause, final }, 'the embedded Postgres was lost')
    // Another server owns the directory now: what this one would write is no longer its own.
    if (final) process.kill(process.pid, 'SIGTERM')
  })
  postgres.onRestored(() => logger.info('the embedded Postgres is back'))
  return {
    database: { url: postgres.url },
    migrate: () => migrateAt(postgres.url),
    release: () => postgres.stop(),
  }
}
