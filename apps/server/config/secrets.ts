import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createOnce } from '../embedded-postgres/durable-files.js'

/** The secret of this name in the data directory, generated once: 256 random bits, in a file of mode 0600. */
export async function generatedSecret(dataDir: string, name: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return (await createOnce(join(dataDir, name), () => `${randomBytes(32).toString('base64url')}\n`)).trim()
}
