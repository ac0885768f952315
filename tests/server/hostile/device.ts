import type { Socket } from 'socket.io-client'
import { expect } from 'vitest'
import { type Ack, call, expectOk, Person, until } from '../../support/person.js'
import { clientId } from './room-under-watch.js'

/** The contract says 1 s; the rest is for a busy machine. */
export const SOON_MS = 3_000

/** A connected socket with everything that it was told, and when. */
export class Device {
  readonly told: { readonly name: string; readonly payload: unknown; readonly atMs: number }[] = []
  endedAtMs = Number.NaN

  private constructor(
    readonly person: Person,
    readonly socket: Socket,
  ) {
    socket.onAny((name: string, payload: unknown) =>
      this.told.push({ name, payload, atMs: performance.now() }),
    )
    socket.on('disconnect', () => {
      this.endedAtMs = performance.now()
    })
  }

  static async of(person: Person, url: string, roomId: string, token = person.accessToken): Promise<Device> {
    const device = new Device(person, await person.connect(url, { auth: { token } }))
    await expectOk(call(device.socket, 'room:join', { roomId }))
    return device
  }

  /** Why its session ended, which has to be the last that it was told. */
  async endedBecause(withinMs = SOON_MS): Promise<unknown> {
    await until('the socket is closed', () => !this.socket.connected, withinMs)
    const last = this.told.at(-1)
    expect(last?.name).toBe('session:ended')
    return (last?.payload as { reason?: string } | undefined)?.reason
  }

  /** Rejects at once where the socket has gone: its library would keep the message for the next connection. */
  async say(roomId: string, text = 'still here'): Promise<Ack> {
    if (!this.socket.connected) throw new Error('the socket has gone')
    return call(this.socket, 'message:send', { roomId, clientMessageId: clientId(), text })
  }
}

/** Two members of one room; the second is there to hear what the first can still do. */
export async function pair(url: string): Promise<{ anna: Person; ben: Person; roomId: string }> {
  const [anna, ben] = await Promise.all([Person.signUp(url, 'Anna'), Person.signUp(url, 'Ben')])
  const roomId = await anna.createRoom()
  await anna.invite(roomId, ben)
  return { anna, ben, roomId }
}
