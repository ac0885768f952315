import { describe, expect, it } from 'vitest'
import { MemoryBus } from '../../../adapters/memory/memory-bus.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { signUp, unwrap } from '../accounts/system.js'
import { connect, disconnect, startTwo, states } from '../sessions/two-processes.js'

/** Two processes of which the first cannot read the rooms of users as often as it is told. */
async function startWithFailingRooms() {
  let failures = 0
  const world = await startTwo({
    wrap: ({ rooms }) => {
      const roomIdsOf: typeof rooms.roomIdsOf = async (userIds) => {
        if (failures === 0) return rooms.roomIdsOf(userIds)
        failures -= 1
        throw new PortUnavailable('RoomRepoPort', new Error('away'))
      }
      return {
        rooms: new Proxy(rooms, {
          get: (target, key) => (key === 'roomIdsOf' ? roomIdsOf : Reflect.get(target, key).bind(target)),
        }),
      }
    },
  })
  return {
    ...world,
    failNext: (count: number) => {
      failures = count
    },
    sweep: () => world.one.parley.sweepPresence.execute(),
  }
}

describe('a change of presence that could not be told', () => {
  it('is told with the next beat, once, where a socket went', async () => {
    const { one, ann, failNext, sweep } = await startWithFailingRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    failNext(1)
    await expect(disconnect(one, ann, 'socket-1')).rejects.toThrow(PortUnavailable)
    unwrap(await disconnect(one, ann, 'socket-1'))
    for (let beats = 0; beats < 2; beats += 1) await sweep()
    expect(states(one)).toEqual(['online', 'offline'])
  })

  it('is told with the next beat, once, where a socket came', async () => {
    const { one, ann, failNext, sweep } = await startWithFailingRooms()
    failNext(1)
    await expect(connect(one, ann, 'socket-1')).rejects.toThrow(PortUnavailable)
    unwrap(await connect(one, ann, 'socket-1'))
    for (let beats = 0; beats < 2; beats += 1) await sweep()
    expect(states(one)).toEqual(['online'])
  })

  it('is told as the user stands then, not as they stood', async () => {
    const { one, ann, failNext, sweep } = await startWithFailingRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    failNext(1)
    await expect(disconnect(one, ann, 'socket-1')).rejects.toThrow(PortUnavailable)
    unwrap(await connect(one, ann, 'socket-2'))
    await sweep()
    expect(new Set(states(one))).toEqual(new Set(['online']))
  })

  it('is told with the next beat that can read the rooms, where a process died', async () => {
    const { one, other, ann, clock, failNext, sweep } = await startWithFailingRooms()
    await sweep()
    unwrap(await connect(other, ann, 'socket-1'))
    for (let beats = 0; beats < 2; beats += 1) {
      clock.pass(10_000)
      await sweep()
    }
    failNext(2)
    clock.pass(10_000)
    for (let beats = 0; beats < 2; beats += 1) await expect(sweep()).rejects.toThrow(PortUnavailable)
    for (let beats = 0; beats < 2; beats += 1) await sweep()
    expect(states(one)).toEqual(['offline'])
  })

  it('is told with the next beat where the process itself came back', async () => {
    const { one, other, ann, clock, failNext, sweep } = await startWithFailingRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    clock.pass(40_000)
    await other.parley.sweepPresence.execute()
    failNext(1)
    await expect(sweep()).rejects.toThrow(PortUnavailable)
    for (let beats = 0; beats < 2; beats += 1) await sweep()
    expect(states(one)).toEqual(['online', 'online'])
  })
})

describe('after a gap of the bus', () => {
  it('the next beat tells once how the own users stand, and those who went a moment before', async () => {
    const { one, other, ann, clock } = await startTwo()
    const ben = await signUp(other, { email: 'ben@example.org' })
    const cleo = await signUp(other, { email: 'cleo@example.org' })
    for (const { user } of [ben, cleo])
      unwrap(await one.parley.createRoom.execute({ userId: user.id, loginId: null }, { name: 'Home' }))
    await one.parley.start()
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await connect(one, ben, 'socket-2'))
    unwrap(await connect(other, cleo, 'socket-3'))
    unwrap(await disconnect(one, ben, 'socket-2'))
    const before = one.notices.length
    if (!(one.ports.bus instanceof MemoryBus)) throw new Error('the bus is in memory')
    one.ports.bus.gap()
    await one.parley.sweepPresence.execute()
    const told = one.notices
      .slice(before)
      .map((notice) => notice.type === 'presence' && [notice.userId, notice.state])
    expect(new Map(told as [string, string][])).toEqual(
      new Map([
        [ann.user.id, 'online'],
        [ben.user.id, 'offline'],
      ]),
    )
    expect(told).toHaveLength(2)
    clock.pass(10_000)
    await one.parley.sweepPresence.execute()
    expect(one.notices).toHaveLength(before + 2)
    one.parley.stop()
  })

  it('tells nobody as gone whom the store may be missing, and of them with the first beat that knows', async () => {
    let isPartial = true
    const { one, ann } = await startTwo({
      wrap: ({ presence }) => {
        const states: typeof presence.states = async (userIds) => {
          const { presences } = await presence.states(userIds)
          if (!isPartial) return { presences, partial: false }
          return {
            presences: presences.map((each) => ({ ...each, state: 'offline' as const })),
            partial: true,
          }
        }
        return {
          presence: new Proxy(presence, {
            get: (target, key) => (key === 'states' ? states : Reflect.get(target, key).bind(target)),
          }),
        }
      },
    })
    await one.parley.start()
    unwrap(await connect(one, ann, 'socket-1'))
    if (!(one.ports.bus instanceof MemoryBus)) throw new Error('the bus is in memory')
    one.ports.bus.gap()
    for (let beats = 0; beats < 2; beats += 1) await one.parley.sweepPresence.execute()
    expect(states(one)).toEqual(['online'])
    isPartial = false
    for (let beats = 0; beats < 2; beats += 1) await one.parley.sweepPresence.execute()
    expect(states(one)).toEqual(['online', 'online'])
    one.parley.stop()
  })
})
