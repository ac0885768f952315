import type { Socket } from 'socket.io-client'
import { expect } from 'vitest'
import type { Instances } from '../../support/instances.js'
import { call, expectOk, type Json, Person, request, until } from '../../support/person.js'
import { SOUND_VERDICTS } from '../../support/server-mode.js'

type Event = { readonly name: string; readonly payload: Json }

/** What others are told of a room; who is there is told as well, but nobody's request is needed for that. */
const TOLD = new Set(['room:events', 'typing', 'receipt'])

let sentinels = 0

/** A room with an owner who attacks it, a member who listens, and the tables behind it. */
export class RoomUnderWatch {
  readonly told: Event[] = []

  private constructor(
    readonly target: Instances,
    readonly owner: Person,
    readonly listener: Person,
    readonly roomId: string,
    readonly socket: Socket,
    private readonly ears: Socket,
  ) {
    ears.onAny((name: string, payload: Json) => {
      if (TOLD.has(name)) this.told.push({ name, payload })
    })
  }

  static async open(target: Instances, url = target.urls[0] ?? ''): Promise<RoomUnderWatch> {
    const [owner, listener] = await Promise.all([
      Person.signUp(url, 'Olga Owner'),
      Person.signUp(url, 'Liam Listener'),
    ])
    const roomId = await owner.createRoom()
    await owner.invite(roomId, listener)
    const [socket, ears] = await Promise.all([owner.connect(), listener.connect()])
    const watch = new RoomUnderWatch(target, owner, listener, roomId, socket, ears)
    await expectOk(call(ears, 'room:join', { roomId }))
    await expectOk(call(socket, 'room:join', { roomId }))
    return watch
  }

  /** The number of rows that an attack could have added to. */
  async rows(): Promise<Record<string, number>> {
    const [row] = await this.target.sql<Record<string, number>[]>`select
      (select count(*) from users) as users, (select count(*) from logins) as logins,
      (select count(*) from rooms) as rooms, (select count(*) from room_members) as members,
      (select count(*) from room_events) as events, (select count(*) from messages) as messages,
      (select count(*) from message_versions) as versions, (select count(*) from message_reactions) as reactions,
      (select count(*) from message_flags) as flags, (select count(*) from invitations) as invitations,
      (select count(*) from creations) as creations`
    return { ...row }
  }

  /** Runs an attack and proves that nothing was stored, nobody was told anything, and the server goes on as before. */
  async unharmedBy<T>(attack: () => Promise<T>): Promise<T> {
    const rows = await this.rows()
    const told = this.told.length
    const result = await attack()
    expect(await this.rows()).toEqual(rows)
    const text = await this.sentinel()
    // Events of a room come in order: what the attack had caused would stand before the sentinel.
    expect(this.told.slice(told).map(({ name, payload }) => [name, textsOf(payload)])).toEqual([
      ['room:events', [text]],
    ])
    await expectAlive(this.target)
    return result
  }

  /** A message of the owner that has reached the listener. */
  async sentinel(): Promise<string> {
    sentinels += 1
    const text = `sentinel ${sentinels}`
    await expectOk(this.send(text))
    await until('the sentinel arrives', () =>
      this.told.some(({ payload }) => textsOf(payload).includes(text)),
    )
    return text
  }

  send(text: unknown, more: Json = {}): ReturnType<typeof call> {
    return call(this.socket, 'message:send', {
      roomId: this.roomId,
      clientMessageId: clientId(),
      text,
      ...more,
    })
  }

  close(): void {
    this.ears.disconnect()
    this.owner.close()
    this.listener.close()
  }
}

let clientIds = 0
export const clientId = (): string => {
  clientIds += 1
  return `c-${process.pid}-${clientIds}`
}

function textsOf(payload: Json): string[] {
  const events = (payload.events ?? []) as { data: { message?: { text: string } }; type: string }[]
  return events.map(({ type, data }) => data.message?.text ?? type)
}

/** Each process of the target is the one that was started, and says that it can work as its mode lets it. */
export async function expectAlive({ servers }: Instances): Promise<void> {
  for (const { url, pid } of servers) {
    expect(process.kill(pid, 0)).toBe(true)
    const { status, body } = await request(url, 'GET', '/readyz')
    expect(status).toBe(200)
    expect(SOUND_VERDICTS).toContain(body.status)
  }
}
