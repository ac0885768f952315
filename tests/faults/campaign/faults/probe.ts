import type { Account, Login } from '../workload/account.js'
import { RawSocket } from '../workload/raw-socket.js'
import type { RoomRecord } from '../workload/rooms.js'
import type { Outcome } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'

export type TimedOutcome = Outcome & {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number
  readonly endedMs: number
}

let made = 0

/**
 * A socket of a room's owner, who is never removed: with a login of its own that nobody ends, and without the SDK, which would
 * hide what a server does. What it sends is in the history like everything else.
 */
export class Probe {
  private sent = 0

  private constructor(
    readonly room: RoomRecord,
    readonly at: Instance,
    private readonly account: Account,
    private readonly socket: RawSocket,
  ) {}

  /** With a login of the room's owner, which it makes at the same instance unless there is one. */
  static async open(world: World, room: RoomRecord, at: Instance, known?: Login): Promise<Probe> {
    const { writer } = world
    const account = room.owner
    const login = known ?? (await Probe.signIn(room, at))
    made += 1
    const client = `${account.name}-probe-${made}`
    const socket = await RawSocket.open(writer, { client, user: account.userId, login, at })
    if (socket === null) throw new Error(`${account.name} could not connect to ${at.name}`)
    await socket.call('room:join', { roomId: room.id }, { f: 'join', room: room.id })
    return new Probe(room, at, account, socket)
  }

  static async signIn({ owner }: RoomRecord, at: Instance): Promise<Login> {
    const login = await owner.signIn(at)
    if (login === null) throw new Error(`${owner.name} could not sign in at ${at.name}`)
    return login
  }

  get isOpen(): boolean {
    return this.socket.isOpen
  }

  async send(): Promise<TimedOutcome> {
    this.sent += 1
    const { room, account, socket } = this
    const body = account.nextBody(room.id)
    const cmid = `${socket.conn.replaceAll(/[^\w-]/g, '-')}-${this.sent}`
    const startedMs = performance.now()
    const outcome = await socket.call(
      'message:send',
      { roomId: room.id, clientMessageId: cmid, text: body },
      { f: 'send', room: room.id, cmid, body },
    )
    return { ...outcome, startedMs, endedMs: performance.now() }
  }

  close(): void {
    this.socket.close()
  }
}

/** So many at each of the instances, in the rooms in turn. */
export async function openProbes(
  world: World,
  each: number,
  {
    at = world.instances,
    rooms = world.rooms,
  }: Partial<{ at: readonly Instance[]; rooms: readonly RoomRecord[] }> = {},
): Promise<Probe[]> {
  const probes: Probe[] = []
  for (const instance of at)
    for (let count = 0; count < each; count += 1) {
      const room = rooms[probes.length % rooms.length]
      if (room === undefined) throw new Error('there is no room')
      probes.push(await Probe.open(world, room, instance))
    }
  return probes
}

/** The probes that have lost their connection, as violations. */
export const lostOf = (probes: readonly Probe[]): string[] =>
  probes.flatMap((probe, index) =>
    probe.isOpen ? [] : [`probe ${index + 1} at ${probe.at.name} was disconnected`],
  )

export function closeAll(probes: readonly Probe[]): void {
  for (const probe of probes) probe.close()
}
