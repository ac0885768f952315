import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { codeOf } from './errors.js'

/** False for a process that ended, also where its parent has not collected it yet. */
export async function isAlive(pid: number): Promise<boolean> {
  if (!answersSignals(pid)) return false
  if (process.platform !== 'linux') return true
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The state follows the command, which is in parentheses and may itself contain some.
  const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
  return state !== 'Z' && state !== 'X'
}

/** `gone`: no such process. `foreign`: the pid lives, but is not the Postgres of this cluster. */
export type PostmasterState = 'ours' | 'foreign' | 'gone'

/** What the pid recorded in a cluster's postmaster.pid is by now. */
export async function postmasterState(pid: number, clusterDir: string): Promise<PostmasterState> {
  if (!answersSignals(pid)) return 'gone'
  const ours = process.platform === 'linux' ? await worksIn(pid, clusterDir) : await names(pid, clusterDir)
  if (ours) return 'ours'
  return answersSignals(pid) ? 'foreign' : 'gone'
}

/** A postmaster's working directory is its cluster. A zombie has none, so it counts as foreign. */
async function worksIn(pid: number, clusterDir: string): Promise<boolean> {
  const [folder, command] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
    readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
  ])
  return folder === clusterDir && command.trim() === 'postgres'
}

async function names(pid: number, clusterDir: string): Promise<boolean> {
  const listing = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => null)
  return listing?.stdout.includes(`-D ${clusterDir}`) ?? false
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
