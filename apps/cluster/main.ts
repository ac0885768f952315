import { EmbeddedPostgresFailed } from '../server/embedded-postgres/index.js'
import { Cluster } from './cluster.js'
import { readOptions } from './options.js'

/** What SIGTERM has at most. */
const STOP_WITHIN_MS = 30_000

async function main(): Promise<void> {
  const reading = readOptions(process.argv.slice(2), process.env)
  if ('mistakes' in reading) {
    for (const mistake of reading.mistakes) process.stderr.write(`${mistake}\n`)
    process.exit(2)
  }
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  const cluster = new Cluster(
    reading.options,
    process.env,
    say,
    () => void stop('the data directory was lost'),
  )
  let isStopping = false
  const stop = async (reason: string) => {
    if (isStopping) return
    isStopping = true
    say(`Stopping (${reason}).`)
    setTimeout(() => process.exit(1), STOP_WITHIN_MS - 1_000).unref()
    await cluster.stop()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(signal))
  // Unheard, it would end this process without the rest; the pipe and the terminal that it was started from are gone.
  for (const output of [process.stdout, process.stderr])
    output.on('error', () => void stop('nobody reads this'))
  try {
    const url = await cluster.start()
    if (!isStopping) say(`Parley is ready: ${url}`)
  } catch (error) {
    if (isStopping) return
    isStopping = true
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(
      `${error instanceof EmbeddedPostgresFailed ? '' : 'The cluster cannot start: '}${reason}\n`,
    )
    await cluster.stop()
    process.exit(1)
  }
}

await main()
