import { type ChildProcess, spawn } from 'node:child_process'

/** It reads until its input ends, and nobody but this process holds the other side of that. */
const WATCH = 'read -r _; kill -TERM "$0"'

/**
 * Lets a child end when this process does, be it by `kill -9`. A process in between sees to it, because children of every kind go on
 * when their parent dies.
 */
export function endWithParent(child: ChildProcess, pid: number): void {
  const watch = spawn('/bin/sh', ['-c', WATCH, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watch.on('error', () => undefined)
  // Its number may be another's by the time that this process ends.
  child.once('exit', () => watch.kill('SIGKILL'))
}
