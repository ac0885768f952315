import { describe, expect, it } from 'vitest'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import {
  actorOf,
  codeOf,
  type Options,
  signIn,
  signUp,
  start,
  startDeployment,
  unwrap,
} from '../accounts/system.js'
import { connect, disconnect, find, startTwo, states } from './two-processes.js'

describe('RegisterUser and FindUserBySocket', () => {
  it('find in every process who is behind a socket', async () => {
    const { one, other, ann, clock } = await startTwo()
    const socket = unwrap(await connect(one, ann, 'socket-1'))
    expect(socket).toEqual({
      socketId: 'socket-1',
      userId: ann.user.id,
      loginId: ann.loginId,
      connectedAtMs: clock.nowMs(),
    })
    expect(unwrap(await find(one, 'socket-1'))).toEqual(socket)
    expect(unwrap(await find(other, 'socket-1'))).toEqual(socket)
    expect(codeOf(await find(other, 'socket-2'))).toBe('NOT_FOUND')
  })

  it('ask the store once in five minutes for a socket of another process, and never for an own one', async () => {
    const asked: string[] = []
    const { startProcess, clock } = startDeployment()
    const wrap: Options['wrap'] = ({ sessions }) => ({
      sessions: {
        put: (session) => sessions.put(session),
        remove: (socketId) => sessions.remove(socketId),
        find: (socketId) => {
          asked.push(socketId)
          return sessions.find(socketId)
        },
      },
    })
    const [one, other] = [startProcess({ wrap }), startProcess({ wrap })]
    const ann = await signUp(one)
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await find(one, 'socket-1'))
    expect(asked).toEqual([])
    for (let time = 0; time < 3; time += 1) unwrap(await find(other, 'socket-1'))
    expect(asked).toEqual(['socket-1'])
    // Lifetimes in a cache vary by a tenth.
    clock.pass(1.1 * 5 * 60_000 + 1)
    unwrap(await find(other, 'socket-1'))
    expect(asked).toEqual(['socket-1', 'socket-1'])
  })

  it('find nobody once the login has ended, though the socket was remembered', async () => {
    const { one, other, ann } = await startTwo()
    await Promise.all([one.parley.start(), other.parley.start()])
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await find(other, 'socket-1'))
    unwrap(await one.parley.signOut.execute({ actor: actorOf(ann) }))
    expect(codeOf(await find(one, 'socket-1'))).toBe('NOT_FOUND')
    await expect.poll(async () => codeOf(await find(other, 'socket-1'))).toBe('NOT_FOUND')
    one.parley.stop()
    other.parley.stop()
  })

  it('refuse a socket whose login ended while it connected, and leave nothing behind', async () => {
    const { one, other, ann, room } = await startTwo()
    unwrap(await one.parley.signOut.execute({ actor: actorOf(ann) }))
    expect(codeOf(await connect(one, ann, 'socket-1'))).toBe('UNAUTHENTICATED')
    for (const process of [one, other]) expect(codeOf(await find(process, 'socket-1'))).toBe('NOT_FOUND')
    expect(states(one)).toEqual([])
    const { presences } = unwrap(
      await one.parley.getRoomPresence.execute({ userId: ann.user.id, loginId: null }, { roomId: room.id }),
    )
    expect(presences).toMatchObject([{ state: 'offline' }])
  })

  it('serve a user whom the embedding service has authenticated, in its own process', async () => {
    const { one, ann } = await startTwo()
    const actor = { userId: ann.user.id, loginId: null }
    unwrap(await one.parley.registerUser.execute(actor, { socketId: 'socket-1' }))
    expect(unwrap(await find(one, 'socket-1'))).toMatchObject(actor)
    unwrap(await one.parley.setPresence.execute(actor, { socketId: 'socket-1', state: 'away' }))
    expect(states(one)).toEqual(['online', 'away'])
  })
})

describe('DisconnectUser', () => {
  it('makes a socket unknown in its process and in the store, and may be repeated', async () => {
    const { one, other, ann } = await startTwo()
    unwrap(await connect(one, ann, 'socket-1'))
    for (let time = 0; time < 2; time += 1) unwrap(await disconnect(one, ann, 'socket-1'))
    for (const process of [one, other]) expect(codeOf(await find(process, 'socket-1'))).toBe('NOT_FOUND')
    expect(states(one)).toEqual(['online', 'offline'])
  })

  it('withdraws the presence also while sessions cannot be stored, and says so', async () => {
    let away = false
    const { one, ann } = await startTwo({
      wrap: ({ sessions }) => ({
        sessions: {
          put: (session) => sessions.put(session),
          find: (socketId) => sessions.find(socketId),
          remove: async (socketId) => {
            if (away) throw new PortUnavailable('SessionPort', new Error('away'))
            await sessions.remove(socketId)
          },
        },
      }),
    })
    unwrap(await connect(one, ann, 'socket-1'))
    away = true
    await expect(disconnect(one, ann, 'socket-1')).rejects.toThrow(PortUnavailable)
    expect(states(one)).toEqual(['online', 'offline'])
    away = false
    unwrap(await disconnect(one, ann, 'socket-1'))
    expect(codeOf(await find(one, 'socket-1'))).toBe('NOT_FOUND')
  })
})

describe('presence', () => {
  it('is told to each room of the user when it changes, and only then', async () => {
    const { one, other, ann, room } = await startTwo()
    const second = unwrap(await one.parley.createRoom.execute(actorOf(ann), { name: 'Work' }))
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await connect(other, ann, 'socket-2'))
    expect(one.notices.map(({ roomId }) => roomId).sort()).toEqual([room.id, second.id].sort())
    expect(other.notices).toEqual([])
    unwrap(await disconnect(one, ann, 'socket-1'))
    expect(states(one)).toEqual(['online', 'online'])
    unwrap(await disconnect(other, ann, 'socket-2'))
    expect(states(other)).toEqual(['offline', 'offline'])
  })

  it('is away when all sockets are, and online again with the first that is', async () => {
    const { one, ann } = await startTwo()
    const set = (socketId: string, state: 'online' | 'away') =>
      one.parley.setPresence.execute(actorOf(ann), { socketId, state })
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await connect(one, ann, 'socket-2'))
    unwrap(await set('socket-1', 'away'))
    expect(states(one)).toEqual(['online'])
    unwrap(await set('socket-2', 'away'))
    unwrap(await set('socket-2', 'away'))
    expect(states(one)).toEqual(['online', 'away'])
    unwrap(await set('socket-1', 'online'))
    expect(states(one)).toEqual(['online', 'away', 'online'])
  })

  it("cannot be set for another user's socket or for none", async () => {
    const { one, ann } = await startTwo()
    const ben = await signUp(one, { email: 'ben@example.org' })
    unwrap(await connect(one, ann, 'socket-1'))
    for (const socketId of ['socket-1', 'socket-2'])
      expect(codeOf(await one.parley.setPresence.execute(actorOf(ben), { socketId, state: 'away' }))).toBe(
        'NOT_FOUND',
      )
    expect(states(one)).toEqual(['online'])
  })

  it('is limited where a client sets it in a storm', async () => {
    const system = start()
    const ann = await signUp(system)
    unwrap(await connect(system, ann, 'socket-1'))
    const codes: (string | null)[] = []
    for (let time = 0; time < 40; time += 1)
      codes.push(
        codeOf(
          await system.parley.setPresence.execute(actorOf(ann), {
            socketId: 'socket-1',
            state: time % 2 === 0 ? 'away' : 'online',
          }),
        ),
      )
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(20)
  })
})

describe('SweepPresence', () => {
  it('tells the rooms of a user whose process died, once, and keeps those that live', async () => {
    const { one, other, ann, clock } = await startTwo()
    const ben = await signIn(other)
    unwrap(await connect(one, ann, 'socket-1'))
    expect(await other.parley.sweepPresence.execute()).toBe(0)
    for (let beats = 0; beats < 4; beats += 1) {
      clock.pass(10_000)
      await other.parley.sweepPresence.execute()
    }
    expect(states(other)).toEqual(['offline'])
    unwrap(await connect(other, ben, 'socket-2'))
    clock.pass(10_000)
    expect(await other.parley.sweepPresence.execute()).toBe(0)
    expect(states(other)).toEqual(['offline', 'online'])
  })

  it('tells the rooms of users who come back when their process was taken for dead and sweeps again', async () => {
    const { one, other, ann, clock } = await startTwo()
    unwrap(await connect(one, ann, 'socket-1'))
    await other.parley.sweepPresence.execute()
    for (let beats = 0; beats < 4; beats += 1) {
      clock.pass(10_000)
      await other.parley.sweepPresence.execute()
    }
    expect(states(other)).toEqual(['offline'])
    const toldBefore = states(one).length
    for (let beats = 0; beats < 2; beats += 1) await one.parley.sweepPresence.execute()
    expect(states(one).slice(toldBefore)).toEqual(['online'])
  })

  it('keeps a user present whose process goes on sweeping', async () => {
    const { one, other, ann, clock } = await startTwo()
    unwrap(await connect(one, ann, 'socket-1'))
    for (let beats = 0; beats < 10; beats += 1) {
      clock.pass(10_000)
      await one.parley.sweepPresence.execute()
      expect(await other.parley.sweepPresence.execute()).toBe(0)
    }
    expect(states(other)).toEqual([])
  })
})
