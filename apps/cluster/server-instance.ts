import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../server/main.js', import.meta.url))
const READY = /^Parley is ready: (http:\/\/\S+)$/

/** A server as `npm start` starts it, with the flags for Node that this process was given. */
export function launchServer(environment: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, MAIN], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
}

/** Resolves with the URL of a server that is ready. All else that it writes is told, also after that. */
export function serverServes(child: ChildProcess, tell: (line: string) => void): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = READY.exec(line)?.[1]
      if (url === undefined) tell(line)
      else resolve(url)
    })
  })
}
