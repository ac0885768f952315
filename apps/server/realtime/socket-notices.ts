import type { Notice, NoticePort, PresenceNotice } from '../../../core/ports/notice-port.js'
import type { ServerEventPayload } from '../contract/server-events.js'
import { isoTime } from '../contract/to-wire.js'
import { Coalescer } from './coalescer.js'
import type { Standstill } from './standstill.js'
import { type RealtimeServer, roomChannel } from './wire.js'

/** However fast someone types, reads or comes and goes, the others are told this often at most. */
const NOTICE_INTERVAL_MS = 500

type PresencePayload = ServerEventPayload<'presence'>

/** Tells the sockets of a room, in every process, over the Socket.io server that it is given once there is one. */
export class SocketNotices implements NoticePort {
  private io: RealtimeServer | null = null
  private standstill: Standstill | null = null
  private readonly listeners: ((notice: Notice) => void)[] = []
  private readonly presenceListeners: ((notice: PresenceNotice) => void)[] = []
  private readonly outgoing = new Coalescer<Notice>(
    NOTICE_INTERVAL_MS,
    (_older, newer) => newer,
    (batch) => {
      for (const notice of batch.values()) this.emit(notice)
    },
  )

  serve(io: RealtimeServer, standstill: Standstill): void {
    this.io = io
    this.standstill = standstill
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

  toRoomHere(notice: PresenceNotice): void {
    // As with what other processes say: one that stood still does not know yet who may no longer hear it.
    this.standstill?.afterwards(() => {
      this.io?.local.to(roomChannel(notice.roomId)).emit('presence', toWire(notice))
    })
  }

  onPresence(listener: (notice: PresenceNotice) => void): void {
    this.presenceListeners.push(listener)
  }

  /** Takes note of what this process's sockets are told, by whatever process. */
  hear(packet: { readonly data?: unknown }): void {
    if (!Array.isArray(packet.data) || packet.data[0] !== 'presence') return
    const { at, ...notice } = packet.data[1] as PresencePayload
    for (const listener of this.presenceListeners)
      listener({ type: 'presence', ...notice, atMs: Date.parse(at) })
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
        room?.emit('presence', toWire(notice))
    }
  }
}

const toWire = ({ roomId, userId, state, atMs }: PresenceNotice): PresencePayload => ({
  roomId,
  userId,
  state,
  at: isoTime(atMs),
})
