import type { Notice, NoticePort, PresenceNotice } from '../../core/ports/notice-port.js'

/** Keeps the notices that a process would have told its sockets. */
export class RecordedNotices implements NoticePort {
  readonly all: Notice[] = []

  private readonly listeners: ((notice: PresenceNotice) => void)[] = []

  toRoom(notice: Notice): void {
    this.all.push(notice)
    if (notice.type === 'presence') for (const listener of this.listeners) listener(notice)
  }

  toRoomHere(notice: PresenceNotice): void {
    this.all.push(notice)
  }

  onPresence(listener: (notice: PresenceNotice) => void): void {
    this.listeners.push(listener)
  }

  /** Those of one type, in order. */
  of<T extends Notice['type']>(type: T): readonly Extract<Notice, { type: T }>[] {
    return this.all.filter((notice): notice is Extract<Notice, { type: T }> => notice.type === type)
  }
}
