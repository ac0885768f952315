import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type RunningServer, startServer } from '../../support/server-process.js'
import type { FaultCommand } from '../servers/commands.js'

/** Where `tsc -p tests/faults/tsconfig.json` puts it, from the root of the project. */
export const OBEY = resolve('dist/faults/tests/faults/servers/obey.js')

export type FaultyServer = Omit<RunningServer, 'send'> & { send(command: FaultCommand): void }

export type FaultyServerOptions = {
  readonly readyWithinMs?: number
  /** For Node itself, besides what loads the faults. */
  readonly nodeArguments?: readonly string[]
  readonly obey?: string
  /** The entry point of another build of the server. */
  readonly main?: string
}

/** The server as users run it, in a process that also fails on command. */
export function startFaultyServer(
  variables: Record<string, string>,
  { readyWithinMs = 30_000, nodeArguments = [], obey = OBEY, ...build }: FaultyServerOptions = {},
): Promise<FaultyServer> {
  return startServer(variables, readyWithinMs, {
    ...build,
    channel: true,
    nodeArguments: [...nodeArguments, '--import', pathToFileURL(obey).href],
  })
}
