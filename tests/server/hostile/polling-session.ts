import { type RawAnswer, send } from './raw-http.js'

export const ENGINE = '/socket.io/?EIO=4&transport=polling'

/** A session over long polling with its cookie. */
export class PollingSession {
  private constructor(
    readonly url: string,
    readonly sid: string,
    private readonly headers: Record<string, string>,
  ) {}

  static async open(url: string, headers: Record<string, string>): Promise<PollingSession> {
    const opened = await send(url, 'GET', ENGINE, { headers })
    const [cookie = ''] = (opened.headers['set-cookie']?.[0] ?? '').split(';')
    const { sid } = JSON.parse(opened.text.slice(1)) as { sid: string }
    return new PollingSession(url, sid, { ...headers, cookie })
  }

  post(packet: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
    return send(this.url, 'POST', `${ENGINE}&sid=${this.sid}`, {
      headers: { ...this.headers, 'content-type': 'text/plain;charset=UTF-8', ...headers },
      body: packet,
    })
  }

  poll(): Promise<RawAnswer> {
    return send(this.url, 'GET', `${ENGINE}&sid=${this.sid}`, { headers: this.headers })
  }
}
