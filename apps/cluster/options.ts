import { parseArgs } from 'node:util'
import { readConfig, type ServerConfig } from '../server/config/read-config.js'
import { integer } from '../server/config/values.js'

/** Each has a process, and some 60 MB of memory and 15 connections to Postgres. */
const INSTANCES_MAX = 16
const BROUGHT_ALONG = /^(DATABASE_|REDIS_)/

export type ClusterOptions = {
  readonly instances: number
  /** As for a server; `host` and `port` are those of the balancer. */
  readonly config: ServerConfig
}

type Environment = Readonly<Record<string, string | undefined>>
type Mistakes = { readonly mistakes: readonly string[] }

/** Reads the command line and the environment, or tells every mistake, one line each. */
export function readOptions(
  args: readonly string[],
  env: Environment,
): { readonly options: ClusterOptions } | Mistakes {
  const read = readArguments(args)
  if ('mistakes' in read) return read
  const own = Object.keys(env).filter((name) => BROUGHT_ALONG.test(name) && env[name])
  if (own.length > 0) {
    return {
      mistakes: own.map(
        (name) => `${name} is not for the cluster command, which brings its own: see docs/deploy.md`,
      ),
    }
  }
  const reading = readConfig({ ...env, ...(read.port === null ? {} : { PORT: read.port }) })
  if ('mistakes' in reading) return reading
  return { options: { instances: read.instances, config: reading.config } }
}

function readArguments(args: readonly string[]): { instances: number; port: string | null } | Mistakes {
  let values: { instances: string; port?: string | undefined }
  try {
    const options = { instances: { type: 'string', default: '3' }, port: { type: 'string' } } as const
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error)
    return { mistakes: [`${reason} (npm run cluster -- [--instances 3] [--port 3000])`] }
  }
  const instances = integer(1, INSTANCES_MAX)(values.instances)
  const port = integer(0, 65_535)(values.port ?? '0')
  const mistakes = [
    ...('mistake' in instances ? [`--instances ${instances.mistake}`] : []),
    ...('mistake' in port ? [`--port ${port.mistake}`] : []),
  ]
  if ('mistake' in instances || mistakes.length > 0) return { mistakes }
  return { instances: instances.value, port: values.port ?? null }
}
