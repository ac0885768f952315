import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describe } from 'vitest'
import type { Dialog } from './dialogs.js'

const REPOSITORY = resolve(import.meta.dirname, '../..')
const FOLDER = resolve(REPOSITORY, process.env.PARLEY_EVAL_DATA ?? '../shared/data')

/**
 * A suite over public conversations, which are no part of this repository. Without them it says so and counts as skipped,
 * under CI=true as well: what it shows is shown in small by dialogs that the tests make themselves.
 */
export function describeWithEvalData(name: string, file: string, suite: (path: string) => void): void {
  const path = resolve(FOLDER, file)
  const isThere = existsSync(path)
  const reason = `${file} is not in PARLEY_EVAL_DATA`
  if (!isThere) process.stdout.write(`Skipped: ${name}, because ${reason} (${FOLDER}).\n`)
  describe.runIf(isThere)(isThere ? name : `${name} (skipped: ${reason})`, () => suite(path))
}

/** The rooms of a file of threads, each with its lines in order of arrival. */
export async function readDialogs(path: string): Promise<Dialog[]> {
  const rooms = new Map<string, Dialog['lines'][number][]>()
  for (const row of (await readFile(path, 'utf8')).split('\n')) {
    if (row === '') continue
    const { room, user, text } = JSON.parse(row) as { room: string; user: string; text: string }
    const lines = rooms.get(room) ?? []
    lines.push({ speaker: user, text })
    rooms.set(room, lines)
  }
  return Array.from(rooms, ([name, lines]) => ({ name, lines }))
}
