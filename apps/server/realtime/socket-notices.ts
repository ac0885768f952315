import type { Notice, NoticePort } from '../../../core/ports/notice-port.js'
import { isoTime } from '../contract/to-wire.js'
import { Coalescer } from './coalescer.js'
import { type RealtimeServer, roomChannel } from './wire.js'

/** However fast someone types, reads or comes and goes, the others are told this often at most. */
const NOTICE_INTERVAL_MS = 500

/** Tells the sockets of a room, in every process, over the Socket.io server that it is given once there is one. */
export class SocketNotices implements NoticePort {
  private io: RealtimeServer | null = null
  private readonly listeners: ((notice: Notice) => void)[] = []
  private readonly outgoing = new Coalescer<Notice>(
    NOTICE_INTERVAL_MS,
    (_older, newer) => newer,
    (batch) => {
      for (const notice of batch.values()) this.emit(notice)
    },
  )

  serve(io: RealtimeServer): void {
    this.io = io
  }

  /** Called for each notice that this process makes. */
  onNotice(listener: (notice: Notice) => void): void {
    this.listeners.push(listener)
  }

  toRoom(notice: Notice): void {
    if (this.io === null) return
    this.outgoing.offer(`${notice.type} ${notice.roomId} ${notice.userId}`, notice)
    for (const listener of this.listeners) listener(notice)
  }

  close(): void {
    this.outgoing.close()
    this.io = null
  }

  private emit(notice: Notice): void {
    const room = this.io?.to(roomChannel(notice.roomId))
    const { roomId, userId } = notice
    switch (notice.type) {
      case 'typing': {
        const { typing, expiresInMs } = notice
        room?.emit('typing', { roomId, userId, typing, expiresInMs })
        return
      }
      case 'receipt':
        room?.emit('receipt', { roomId, userId, readSeq: notice.readSeq })
        return
      case 'presence':
        room?.emit('presence', { roomId, userId, state: notice.state, at: isoTime(notice.atMs) })
    }
  }
}
