import { type Tap, TcpProxy } from '../faults/nemesis/tcp-proxy.js'

type Trap = { readonly text: string; readonly tag: string | null; readonly sprung: () => void }

/** Stands between a server and Postgres and, when asked, stops passing on at an exact point of a transaction. */
export class PostgresProxy {
  private trap: Trap | null = null

  private constructor(private readonly proxy: TcpProxy) {
    proxy.tapWith(() => this.newTap())
  }

  static async start(targetUrl: string): Promise<PostgresProxy> {
    return new PostgresProxy(await TcpProxy.start(targetUrl))
  }

  /** The given URL, by way of this proxy. */
  get url(): string {
    return this.proxy.url
  }

  /**
   * On the connection over which `text` is sent next, keeps the first answer with the command tag `tag`, or with null the first
   * of all, and whatever would follow. Resolves when that has happened.
   */
  keepAnswer(text: string, tag: 'INSERT 0 1' | 'COMMIT' | null): Promise<void> {
    return new Promise((resolve) => {
      this.trap = { text, tag: tag === null ? null : `${tag}\0`, sprung: resolve }
    })
  }

  /** From now on nothing passes, in either direction, and no connection is closed. */
  async freeze(): Promise<void> {
    await this.proxy.set({ is: 'frozen' })
  }

  async close(): Promise<void> {
    await this.proxy.close()
  }

  private newTap(): Tap {
    let isTrapped = false
    return (chunk, way) => {
      if (this.trap === null) return 'pass'
      const { text, tag, sprung } = this.trap
      if (way === 'to-target') isTrapped ||= chunk.includes(text)
      else if (isTrapped && (tag === null || chunk.includes(tag))) {
        sprung()
        return 'keep'
      }
      return 'pass'
    }
  }
}
