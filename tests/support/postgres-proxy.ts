import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a server and Postgres and, when asked, stops passing on at an exact point of a transaction. */
export class PostgresProxy {
  private readonly sockets = new Set<Socket>()
  private frozen = false
  private trap: { text: string; tag: string; sprung: () => void } | null = null

  private constructor(
    private readonly server: Server,
    /** The given URL, by way of this proxy. */
    readonly url: string,
  ) {}

  static async start(targetUrl: string): Promise<PostgresProxy> {
    const target = new URL(targetUrl)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = new URL(targetUrl)
    url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const proxy = new PostgresProxy(server, url.href)
    server.on('connection', (client) => proxy.relay(client, connect(Number(target.port), target.hostname)))
    return proxy
  }

  /**
   * On the connection over which `text` is sent next, keeps the first answer with the command tag `tag` and all that would
   * follow. Resolves when that has happened.
   */
  keepAnswer(text: string, tag: 'INSERT 0 1' | 'COMMIT'): Promise<void> {
    return new Promise((resolve) => {
      this.trap = { text, tag: `${tag}\0`, sprung: resolve }
    })
  }

  /** From now on nothing passes, in either direction, and no connection is closed. */
  freeze(): void {
    this.frozen = true
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  private relay(client: Socket, postgres: Socket): void {
    for (const socket of [client, postgres]) {
      this.sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('close', () => postgres.destroy())
    postgres.on('close', () => client.destroy())
    let isTrapped = false
    let keeps = false
    client.on('data', (chunk) => {
      if (this.trap !== null && chunk.includes(this.trap.text)) isTrapped = true
      if (!this.frozen) postgres.write(chunk)
    })
    postgres.on('data', (chunk) => {
      if (isTrapped && !keeps && this.trap !== null && chunk.includes(this.trap.tag)) {
        keeps = true
        this.trap.sprung()
      }
      if (!this.frozen && !keeps) client.write(chunk)
    })
  }
}
