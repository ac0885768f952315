import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { startEmbeddedPostgres } from '../../apps/server/embedded-postgres/index.js'

/** What this program prints, one JSON object a line. */
export type OwnerEvent =
  | { event: 'ready'; url: string; adminUrl: string; postgresPid: number; adopted: boolean; tookMs: number }
  | { event: 'failed'; name: string; message: string }
  | { event: 'acked'; row: string }
  | { event: 'stopped' }

function tell(event: OwnerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** A server reduced to its database: owns it until SIGTERM and, asked to write, inserts rows until it is killed. */
async function main(dataDir: string, writes: boolean): Promise<void> {
  const startedMs = Date.now()
  const owned = await startEmbeddedPostgres({ dataDir })
  const { url, adminUrl, postgresPid, adopted } = owned
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => void owned.stop().then(() => tell({ event: 'stopped' })))
  tell({ event: 'ready', url, adminUrl, postgresPid, adopted, tookMs: Date.now() - startedMs })
  if (!writes) return
  const sql = postgres(url, { max: 4, onnotice: () => undefined })
  await sql`create table if not exists written (row text primary key)`
  await Promise.all(Array.from({ length: 4 }, (_, writer) => write(sql, `${process.pid}-${writer}`)))
}

async function write(sql: postgres.Sql, writer: string): Promise<never> {
  for (let number = 0; ; number++) {
    const row = `${writer}-${number}`
    await sql`insert into written (row) values (${row})`
    tell({ event: 'acked', row })
    await sleep(1)
  }
}

main(process.argv[2] ?? '', process.argv[3] === 'write').catch((error: unknown) => {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  tell({ event: 'failed', name, message })
  process.exitCode = 1
})
