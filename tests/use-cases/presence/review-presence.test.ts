import { describe, expect, it } from 'vitest'
import type { UserId } from '../../../core/domain/ids.js'
import type { ParleyPorts } from '../../../core/parley.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'
import { unwrap } from '../accounts/system.js'
import { connect, disconnect, startTwo, states } from '../sessions/two-processes.js'

/** What this fake process tells, no other hears: every notice between the two is lost. */
async function startReviewed(wrap: (ports: ParleyPorts) => Partial<ParleyPorts> = () => ({})) {
  const world = await startTwo({ wrap })
  const { one } = world
  const review = async (times: number) => {
    let madeGood = 0
    for (let reviews = 0; reviews < times; reviews += 1) madeGood += await one.parley.reviewPresence.execute()
    return madeGood
  }
  await review(1)
  return { ...world, review }
}

/** The first process asks a store that may miss somebody, and says so. */
async function startWithPartialStore() {
  const store = { isPartial: false, missing: [] as UserId[] }
  const world = await startReviewed(({ presence }) => {
    const states: typeof presence.states = async (userIds) => {
      const { presences } = await presence.states(userIds)
      const known = presences.map((each) =>
        store.missing.includes(each.userId) ? { ...each, state: 'offline' as const } : each,
      )
      return { presences: known, partial: store.isPartial }
    }
    return {
      presence: new Proxy(presence, {
        get: (target, key) => (key === 'states' ? states : Reflect.get(target, key).bind(target)),
      }),
    }
  })
  return { ...world, store }
}

describe('a review of presence', () => {
  it('makes a lost notice good, once, and not before it may have come', async () => {
    const { one, other, ann, review } = await startReviewed()
    unwrap(await connect(other, ann, 'socket-1'))
    await review(1)
    expect(states(one)).toEqual([])
    expect(await review(1)).toBe(1)
    expect(states(one)).toEqual(['online'])
    unwrap(await disconnect(other, ann, 'socket-1'))
    await review(5)
    expect(states(one)).toEqual(['online', 'offline'])
  })

  it('tells what a process could not tell before it died, whoever hides that it died', async () => {
    const { one, other, ann, review, clock } = await startReviewed()
    other.ports.rooms.roomIdsOf = () => new Promise(() => {})
    void connect(other, ann, 'socket-1')
    await expect
      .poll(async () => (await one.ports.presence.states([ann.user.id])).presences[0]?.state)
      .toBe('online')
    unwrap(await connect(one, ann, 'socket-2'))
    expect(states(one)).toEqual([])
    await review(3)
    expect(states(one)).toEqual(['online'])
    for (let beats = 0; beats < 4; beats += 1) {
      clock.pass(10_000)
      await one.parley.sweepPresence.execute()
      await review(3)
    }
    expect(states(one)).toEqual(['online'])
  })

  it('tells nobody as gone whom the store may be missing, and looks again each time until it knows', async () => {
    const { one, other, ann, review, store } = await startWithPartialStore()
    unwrap(await connect(other, ann, 'socket-1'))
    store.isPartial = true
    await review(3)
    expect(states(one)).toEqual(['online'])
    unwrap(await disconnect(other, ann, 'socket-1'))
    expect(await review(5)).toBe(0)
    expect(states(one)).toEqual(['online'])
    store.isPartial = false
    expect(await review(1)).toBe(1)
    expect(await review(4)).toBe(0)
    expect(states(one)).toEqual(['online', 'offline'])
  })

  it('says nothing of those who were missing and are there again', async () => {
    const { one, other, ann, review, store } = await startWithPartialStore()
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await connect(other, ann, 'socket-2'))
    Object.assign(store, { isPartial: true, missing: [ann.user.id] })
    await review(5)
    Object.assign(store, { isPartial: false, missing: [] })
    expect(await review(5)).toBe(0)
    expect(states(one)).toEqual(['online'])
  })

  it('says nothing of what was told', async () => {
    const { one, ann, review } = await startReviewed()
    unwrap(await connect(one, ann, 'socket-1'))
    expect(await review(4)).toBe(0)
    unwrap(await disconnect(one, ann, 'socket-1'))
    expect(await review(4)).toBe(0)
    expect(states(one)).toEqual(['online', 'offline'])
  })

  it('puts right what came long after something newer', async () => {
    const { one, ann, room, review, clock } = await startReviewed()
    unwrap(await connect(one, ann, 'socket-1'))
    for (let beats = 0; beats < 12; beats += 1) {
      clock.pass(10_000)
      await one.parley.sweepPresence.execute()
      await review(1)
    }
    const late = { type: 'presence', roomId: room.id, userId: ann.user.id, state: 'away', atMs: 0 } as const
    one.ports.notices.toRoom(late)
    await review(4)
    expect(states(one)).toEqual(['online', 'away', 'online'])
  })

  it('leaves to the next one what it could not read', async () => {
    let failures = 0
    const { one, other, ann, review } = await startReviewed(({ presence }) => {
      const states: typeof presence.states = async (userIds) => {
        if (failures === 0) return presence.states(userIds)
        failures -= 1
        throw new PortUnavailable('PresencePort', new Error('away'))
      }
      return {
        presence: new Proxy(presence, {
          get: (target, key) => (key === 'states' ? states : Reflect.get(target, key).bind(target)),
        }),
      }
    })
    unwrap(await connect(other, ann, 'socket-1'))
    await review(1)
    failures = 2
    for (let reviews = 0; reviews < 2; reviews += 1) await expect(review(1)).rejects.toThrow(PortUnavailable)
    await review(1)
    expect(states(one)).toEqual(['online'])
  })
})

describe('a change of presence that was told late', () => {
  /** Two processes of which the first can be held up where it finds the rooms in which it has to tell of something. */
  async function startWithSlowRooms() {
    let holdUp: (() => Promise<void>) | null = null
    const world = await startTwo({
      wrap: ({ rooms }) => {
        const roomIdsOf: typeof rooms.roomIdsOf = async (userIds) => {
          const held = holdUp?.()
          holdUp = null
          await held
          return rooms.roomIdsOf(userIds)
        }
        return {
          rooms: new Proxy(rooms, {
            get: (target, key) => (key === 'roomIdsOf' ? roomIdsOf : Reflect.get(target, key).bind(target)),
          }),
        }
      },
    })
    /** Resolves with the way to let it go on, once Ann's going is held up. */
    const holdUpGoing = () => {
      const isHeld = new Promise<{ goOn: () => void; going: Promise<unknown> }>((held) => {
        holdUp = () => new Promise((goOn) => held({ goOn, going }))
      })
      const going = disconnect(world.one, world.ann, 'socket-1').then(unwrap)
      return isHeld
    }
    return { ...world, holdUpGoing, review: () => world.one.parley.reviewPresence.execute() }
  }

  it('is put right, once, where another process had told of a newer one', async () => {
    const { one, other, ann, holdUpGoing, review } = await startWithSlowRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    const { goOn, going } = await holdUpGoing()
    unwrap(await connect(other, ann, 'socket-2'))
    expect(states(other)).toEqual(['online'])
    goOn()
    await going
    expect(states(one)).toEqual(['online', 'offline'])
    for (let reviews = 0; reviews < 4; reviews += 1) await review()
    expect(states(one)).toEqual(['online', 'offline', 'online'])
  })

  it('is put right, once, where the same process had told of a newer one', async () => {
    const { one, ann, holdUpGoing, review } = await startWithSlowRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    const { goOn, going } = await holdUpGoing()
    unwrap(await connect(one, ann, 'socket-2'))
    goOn()
    await going
    expect(states(one)).toEqual(['online', 'online', 'offline'])
    for (let reviews = 0; reviews < 4; reviews += 1) await review()
    expect(states(one)).toEqual(['online', 'online', 'offline', 'online'])
  })

  it('is not told again where it is so', async () => {
    const { one, ann, review } = await startWithSlowRooms()
    unwrap(await connect(one, ann, 'socket-1'))
    unwrap(await disconnect(one, ann, 'socket-1'))
    for (let reviews = 0; reviews < 4; reviews += 1) await review()
    expect(states(one)).toEqual(['online', 'offline'])
  })
})
