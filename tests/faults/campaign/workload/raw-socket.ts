import { io, type Socket } from 'socket.io-client'
import type { Caller, Request } from '../../checker/history.js'
import type { HistoryWriter } from '../../checker/history-file.js'
import { answerOf, type Paging } from '../../checker/wire.js'
import type { Instance } from '../parts.js'
import type { Login } from './account.js'
import { DEADLINE_MS, type Json, NOT_SENT, type Outcome, refusal } from './try-http.js'

type Ack =
  | { readonly ok: true; readonly data: Json }
  | { readonly ok: false; readonly error: { readonly code: string } }

export type RawSocketOptions = {
  readonly client: string
  readonly user: string
  readonly login: Login
  readonly at: Pick<Instance, 'name' | 'url'>
  /** By way of a proxy. */
  readonly url?: string
  readonly transports?: readonly ('websocket' | 'polling')[]
  readonly onPush?: (event: string, payload: Json) => void
  /** Leaves what is pushed out of the history; its joins must then not be written as such. */
  readonly isUnheard?: boolean
}

let made = 0

/** A socket past the SDK: it neither reconnects nor repairs, and everything that it asks and hears is in the history. */
export class RawSocket {
  private constructor(
    private readonly writer: HistoryWriter,
    private readonly socket: Socket,
    private readonly caller: Caller & { readonly conn: string },
  ) {}

  /** Null where it was refused, or not accepted in time. */
  static async open(writer: HistoryWriter, options: RawSocketOptions): Promise<RawSocket | null> {
    made += 1
    const { client, user, login, at, url = at.url, transports = ['websocket'] } = options
    const { onPush, isUnheard = false } = options
    const caller = { client, user, session: login.session, conn: `${client}#${made}`, instance: at.name }
    const socket = io(url, {
      auth: { token: login.accessToken },
      transports: [...transports],
      reconnection: false,
      forceNew: true,
      timeout: DEADLINE_MS,
    })
    socket.onAny((event: string, payload: Json) => {
      if (!isUnheard) writer.received(caller, event, payload)
      onPush?.(event, payload)
    })
    socket.on('disconnect', () => writer.disconnected(caller))
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        writer.connected(caller)
        resolve(true)
      })
      socket.once('connect_error', () => resolve(false))
    })
    if (isOpen) return new RawSocket(writer, socket, caller)
    socket.disconnect()
    return null
  }

  get conn(): string {
    return this.caller.conn
  }

  get isOpen(): boolean {
    return this.socket.connected
  }

  /** A client event with its ack, as the contract names it. Never rejects. */
  async call(event: string, payload: Json, request: Request, paging?: Paging): Promise<Outcome> {
    const line = this.writer.call(this.caller, request)
    if (!this.socket.connected) {
      line.fail(NOT_SENT.code)
      return NOT_SENT
    }
    const ack = (await this.socket
      .timeout(DEADLINE_MS)
      .emitWithAck(event, payload)
      .catch(() => null)) as Ack | null
    if (ack === null) {
      line.info('NO_ACK')
      return { is: 'info', code: 'NO_ACK' }
    }
    if (ack.ok) {
      line.ok(answerOf(ack.data, paging))
      return { is: 'ok', data: ack.data }
    }
    const refused = refusal(ack.error.code, ack.error)
    line[refused.is === 'info' ? 'info' : 'fail'](ack.error.code, ack.error)
    return refused
  }

  close(): void {
    this.socket.disconnect()
  }
}
