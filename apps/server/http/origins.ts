import type { Server } from 'node:http'
import type { ServerConfig } from '../config/read-config.js'

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']
const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/
/** Listening everywhere has no address of its own; pages from elsewhere need `PARLEY_PUBLIC_URL`. */
const ANY_HOST = /^(0\.0\.0\.0|::)$/

/** The origins whose pages may talk to this server. Compared whole, so that nothing that looks alike passes. */
export class Origins {
  private own: ReadonlySet<string> | null = null

  constructor(
    private readonly config: Pick<ServerConfig, 'host' | 'publicUrl' | 'origins'>,
    private readonly server: Pick<Server, 'address'>,
  ) {}

  isAllowed(origin: string): boolean {
    return this.config.origins.includes(origin) || this.ownOrigins().has(origin)
  }

  /** Known once the server listens, because the port may be any free one. */
  private ownOrigins(): ReadonlySet<string> {
    if (this.own !== null) return this.own
    const { host, publicUrl } = this.config
    if (publicUrl !== null) return new Set([publicUrl])
    const address = this.server.address()
    if (address === null || typeof address === 'string') return new Set()
    this.own = new Set(originsAt(host, address.port))
    return this.own
  }
}

/** The origins of what is served over plain HTTP at this address. */
export function originsAt(host: string, port: number): string[] {
  const isLoopback = LOOPBACK_HOST.test(host) || ANY_HOST.test(host)
  const names = isLoopback ? LOOPBACK_NAMES : [host.includes(':') ? `[${host}]` : host]
  return names.map((name) => new URL(`http://${name}:${port}`).origin)
}
