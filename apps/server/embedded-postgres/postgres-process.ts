import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Account } from './account.js'

/**
 * How every program of Postgres is run: with nothing of our environment (PGDATA, PGOPTIONS and the like would
 * be heeded), messages in English (some are read), and in a folder that any account may enter.
 */
function spawnOptions(account: Account | null) {
  return {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  }
}

/** Starts the server in a session of its own, so that a Ctrl-C in our terminal does not reach it. */
export function spawnServer(
  program: string,
  args: readonly string[],
  account: Account | null,
  logFd: number,
): ChildProcess {
  const child = spawn(program, args, {
    ...spawnOptions(account),
    detached: true,
    stdio: ['ignore', logFd, logFd],
  })
  child.unref()
  return child
}

/** Runs a program to its end; its output is kept for the error message. */
export async function runProgram(
  program: string,
  args: readonly string[],
  account: Account | null,
  timeoutMs: number,
): Promise<{ ok: boolean; output: string }> {
  const child = spawn(program, args, {
    ...spawnOptions(account),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8')
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const [code, signal]: unknown[] = await once(child, 'close')
  if (signal !== null) output += `\nended by ${String(signal)}`
  return { ok: code === 0, output }
}
