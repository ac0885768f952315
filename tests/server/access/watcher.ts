import type { Socket } from 'socket.io-client'
import type { LogEvent } from '../../support/member-log.js'
import { call, expectOk, type Json, type Person } from '../../support/person.js'

export type Heard = { readonly event: string; readonly payload: Json }

/** A connected socket that keeps everything which the server sends it unasked. */
export class Watcher {
  readonly heard: Heard[] = []

  private constructor(readonly socket: Socket) {
    socket.onAny((event: string, payload: Json) => void this.heard.push({ event, payload }))
  }

  static async connect(person: Person, url: string): Promise<Watcher> {
    return new Watcher(await person.connect(url))
  }

  /** Joins a room and answers the seq above which events are pushed. */
  async join(roomId: string): Promise<number> {
    const { headSeq } = await expectOk(call(this.socket, 'room:join', { roomId }))
    return Number(headSeq)
  }

  about(roomId: string): readonly Heard[] {
    return this.heard.filter(({ payload }) => payload.roomId === roomId)
  }

  /** The events of a room's log that were pushed, in the order of their coming. */
  logOf(roomId: string): readonly LogEvent[] {
    return this.about(roomId).flatMap(({ event, payload }) =>
      event === 'room:events' ? (payload.events as LogEvent[]) : [],
    )
  }
}
