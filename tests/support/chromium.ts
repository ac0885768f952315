import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { describe } from 'vitest'
import { bundle } from './client-bundle.js'

const PATH = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** A suite in a real browser. Without one it says so and counts as skipped; under CI=true it fails. */
export function describeInChromium(name: string, suite: () => void): void {
  const isThere = existsSync(PATH)
  if (!isThere) process.stdout.write(`Skipped: ${name}, because there is no ${PATH} (CHROMIUM_PATH).\n`)
  const mustRun = process.env.CI === 'true'
  describe.runIf(isThere || mustRun)(isThere ? name : `${name} (skipped: no Chromium)`, suite)
}

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: PATH, args: ['--no-sandbox'] })

export type PageServer = { readonly origin: string; stop(): Promise<void> }

/** Serves one page that loads one bundled script. */
export async function servePage(entry: string): Promise<PageServer> {
  const script = await bundle(entry)
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
    response.end(
      isScript
        ? script
        : '<!doctype html><title>Parley</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
