import { setTimeout as sleep } from 'node:timers/promises'
import { suspend } from '../../nemesis/process-actions.js'
import type { Check, Fault } from '../fault.js'
import type { Account, Login } from '../workload/account.js'
import { RawSocket } from '../workload/raw-socket.js'
import type { RoomRecord } from '../workload/rooms.js'
import { type Outcome, tryHttp } from '../workload/try-http.js'
import type { Instance, World } from '../world.js'
import { anInstance } from './rounds.js'

const STOPPED_MS = 60_000
const GHOSTS = 4
/** Before it goes on: what they send then waits in the zombie's sockets. */
const SENDS_BEFORE_MS = 3_000
/** For what the zombie says when it goes on. */
const LISTENED_MS = 5_000

/** Somebody whose login ends, elsewhere, while the server of their socket stands still. */
class Ghost {
  private constructor(
    private readonly world: World,
    readonly room: RoomRecord,
    private readonly account: Account,
    private readonly login: Login,
    private readonly loginId: string,
    private readonly socket: RawSocket,
  ) {}

  static async at(world: World, room: RoomRecord, instance: Instance, number: number): Promise<Ghost> {
    const { writer } = world
    const account = room.owner
    const login = await account.signIn(instance)
    if (login === null) throw new Error(`${account.name} could not sign in`)
    const listed = await tryHttp(writer, instance, {
      caller: account.caller(instance, login, `${account.name}-ghost-${number}`),
      request: { f: 'other' },
      route: 'GET /auth/sessions',
      token: login.accessToken,
    })
    const sessions = (listed.is === 'ok' ? listed.data.sessions : []) as readonly {
      readonly id: string
      readonly current: boolean
    }[]
    const loginId = sessions.find(({ current }) => current)?.id ?? ''
    const client = `${account.name}-ghost-${number}`
    const socket = await RawSocket.open(writer, { client, user: account.userId, login, at: instance })
    if (socket === null) throw new Error(`${client} could not connect`)
    await socket.call('room:join', { roomId: room.id }, { f: 'join', room: room.id })
    return new Ghost(world, room, account, login, loginId, socket)
  }

  /** Ends its login at an instance that runs. */
  async end(at: Instance): Promise<boolean> {
    const { account, login } = this
    const ended = await tryHttp(this.world.writer, at, {
      caller: account.caller(at),
      request: { f: 'revoke', ends: [login.session] },
      route: `DELETE /auth/sessions/${this.loginId}`,
      token: account.login.accessToken,
    })
    return ended.is === 'ok'
  }

  /** It reaches the zombie's socket now, and is read when the zombie goes on. */
  send(number: number): Promise<Outcome> {
    const { room, account, socket } = this
    const body = account.nextBody(room.id)
    const cmid = `ghost-${account.name}-${number}`
    return socket.call(
      'message:send',
      { roomId: room.id, clientMessageId: cmid, text: body },
      { f: 'send', room: room.id, cmid, body },
    )
  }

  get isCut(): boolean {
    return !this.socket.isOpen
  }

  close(): void {
    this.socket.close()
  }
}

/**
 * The zombie holds sockets of logins that were ended meanwhile. That it neither writes nor delivers for them is judged by the
 * checker (L8, L9), to which the ended logins and everything that their sockets hear are known; counted here is that it was tried.
 */
export const zombie: Fault = {
  name: 'N3',
  title: 'an instance stands still for 60 s and goes on, with sockets whose logins were ended meanwhile',
  scale: `${GHOSTS} such sockets`,
  schedule: (draw, scene) => [
    {
      atMs: 0,
      forMs: STOPPED_MS,
      act: 'SIGSTOP',
      target: anInstance(draw, scene),
      suspends: ['L7', 'L10'],
      kills: true,
    },
  ],
  start(world) {
    let ghosts: Ghost[] = []
    let ended = 0
    const outcomes: Outcome[] = []
    const stillOpen: string[] = []
    return {
      async inject({ target }, moments) {
        const instance = world.instance(target)
        const other = world.instances.find(({ name }) => name !== target)
        if (other === undefined) throw new Error('there is one instance only')
        const rooms = world.rooms.slice(0, GHOSTS)
        ghosts = await Promise.all(rooms.map((room, index) => Ghost.at(world, room, instance, index)))
        moments.began()
        const heal = await suspend(instance)
        // As a balancer does that gets no answer.
        for (const device of world.devices.all) if (device.at === instance) device.aimAt(other)
        await sleep(1_000)
        for (const ghost of ghosts) if (await ghost.end(other)) ended += 1
        const sending = (async () => {
          await sleep(STOPPED_MS - SENDS_BEFORE_MS)
          outcomes.push(...(await Promise.all(ghosts.map((ghost, index) => ghost.send(index)))))
        })()
        return async () => {
          await heal()
          moments.over()
          await sending
          await sleep(LISTENED_MS)
          for (const ghost of ghosts) if (!ghost.isCut) stillOpen.push(`a socket of an ended login is open`)
        }
      },
      async checks(): Promise<Check[]> {
        for (const ghost of ghosts) ghost.close()
        return [
          {
            name: 'what an ended login sent to the zombie is refused',
            checked: ended === 0 ? 0 : outcomes.length,
            violations: outcomes.flatMap((outcome) => (outcome.is === 'ok' ? ['it was accepted'] : [])),
            seen: outcomes.map((outcome) => (outcome.is === 'ok' ? 'ok' : outcome.code)).join(', '),
          },
          { name: 'the zombie lets go of ended logins', checked: ended, violations: stillOpen },
        ]
      },
    }
  },
}
