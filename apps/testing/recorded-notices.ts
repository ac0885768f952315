import type { Notice, NoticePort } from '../../core/ports/notice-port.js'

/** Keeps the notices that a process would have told its sockets. */
export class RecordedNotices implements NoticePort {
  readonly all: Notice[] = []

  toRoom(notice: Notice): void {
    this.all.push(notice)
  }

  /** Those of one type, in order. */
  of<T extends Notice['type']>(type: T): readonly Extract<Notice, { type: T }>[] {
    return this.all.filter((notice): notice is Extract<Notice, { type: T }> => notice.type === type)
  }
}
