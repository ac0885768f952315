import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { bundle } from '../support/client-bundle.js'

const LIMIT_BYTES = 20 * 1_024

describe('the client, bundled for a browser', () => {
  it('adds at most 20 KB, gzipped, to socket.io-client, and asks for nothing else', async () => {
    const code = await bundle('apps/client/index.ts', ['socket.io-client'])
    expect([...new Set(Array.from(code.matchAll(/from\s*["']([^"']+)["']/g), ([, name]) => name))]).toEqual([
      'socket.io-client',
    ])
    const bytes = gzipSync(code, { level: 9 }).length
    expect(bytes).toBeGreaterThan(1_024)
    expect(bytes, `${bytes} bytes`).toBeLessThanOrEqual(LIMIT_BYTES)
  })
})
