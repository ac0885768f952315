import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from './account.js'

/** Beyond this the log is moved to `postgres.log.1`, so that both together stay bounded. */
const MAX_BYTES = 8 * 1024 * 1024
const TAIL_BYTES = 4_096
const TAIL_LINES = 4
const TAIL_CHARACTERS = 600

/** The file in the data directory that Postgres writes its own messages to. */
export class PostgresLog {
  readonly path: string

  constructor(
    dataDir: string,
    private readonly account: Account | null,
  ) {
    this.path = join(dataDir, 'postgres.log')
  }

  /** Open for appending, to be handed to Postgres. Never follows a link, as this may happen as root. */
  async open(): Promise<FileHandle> {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants
    const file = await open(this.path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600)
    if (this.account !== null) await file.chown(this.account.uid, this.account.gid)
    return file
  }

  async size(): Promise<number> {
    return (await stat(this.path).catch(() => ({ size: 0 }))).size
  }

  /** Copies and empties rather than renames: a running Postgres keeps writing to the file it has open. */
  async bound(): Promise<void> {
    if ((await this.size()) <= MAX_BYTES) return
    const older = `${this.path}.1`
    await rm(older, { force: true })
    await copyFile(this.path, older, constants.COPYFILE_EXCL)
    await truncate(this.path)
  }

  /** The last lines written after `fromByte`, joined to one, without timestamps. */
  async tail(fromByte = 0): Promise<string> {
    const file = await open(this.path, 'r').catch(() => null)
    if (file === null) return ''
    try {
      const { size } = await file.stat()
      const start = Math.max(Math.min(fromByte, size), size - TAIL_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
      return lastLines(buffer.toString('utf8', 0, bytesRead))
    } finally {
      await file.close()
    }
  }
}

/** The end of a program's output as one line; what the disk or a permission refused comes first. */
export function lastLines(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] /, '').trim())
    .filter((line) => line !== '')
  const reason = lines.find((line) => /No space left|Permission denied|quota exceeded/i.test(line))
  const tail = lines.slice(-TAIL_LINES).filter((line) => line !== reason)
  return [...(reason === undefined ? [] : [reason]), ...tail].join(' | ').slice(0, TAIL_CHARACTERS)
}
