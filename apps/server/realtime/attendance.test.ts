import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestSystem, type TestSystem } from '../../testing/index.js'
import { Attendance } from './attendance.js'
import { PRESENCE_GRACE_MS } from './limits.js'
import type { SocketConnection } from './socket-connection.js'

/** Contract: a disconnect is known 20 s later. */
const TOLD_WITHIN_MS = 20_000
const SOCKETS = 1_000

let system: TestSystem
let attendance: Attendance

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] })
  system = createTestSystem()
  attendance = new Attendance(system.parley, (error) => {
    throw error
  })
})
afterEach(async () => {
  await attendance.close()
  vi.useRealTimers()
})

/** That many sockets of one user who have come. */
async function arrivals(count: number) {
  const { actor } = await system.signUpUser('Ann')
  const sockets = Array.from(
    { length: count },
    (_, index) => ({ socketId: `socket-${index}`, actor }) as SocketConnection,
  )
  for (const socket of sockets) await attendance.arrive(socket)
  const stateNow = async () => (await system.ports.presence.states([actor.userId])).presences[0]?.state
  return { sockets, stateNow }
}

describe('Attendance', () => {
  it('tells of a thousand sockets that went at once within 20 s', async () => {
    const { sockets, stateNow } = await arrivals(SOCKETS)
    for (const socket of sockets) attendance.depart(socket, false)
    await vi.advanceTimersByTimeAsync(PRESENCE_GRACE_MS - 1_000)
    expect(await stateNow()).toBe('online')
    await vi.advanceTimersByTimeAsync(TOLD_WITHIN_MS - PRESENCE_GRACE_MS + 1_000)
    expect(await stateNow()).toBe('offline')
    for (const { socketId } of sockets)
      expect((await system.parley.findUserBySocket.execute({ socketId })).ok).toBe(false)
  })

  it('has no more than a batch of departures under way, however many looks fall into it', async () => {
    const { sockets, stateNow } = await arrivals(SOCKETS)
    const { disconnectUser } = system.parley
    const execute = disconnectUser.execute.bind(disconnectUser)
    let underWay = 0
    let most = 0
    vi.spyOn(disconnectUser, 'execute').mockImplementation(async (input) => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      underWay -= 1
      return execute(input)
    })
    for (const socket of sockets) attendance.depart(socket, false)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(await stateNow()).toBe('offline')
    expect(most).toBeLessThanOrEqual(50)
  })

  it('tells of all at once when the process leaves', async () => {
    const { sockets, stateNow } = await arrivals(SOCKETS)
    for (const socket of sockets) attendance.depart(socket, false)
    await attendance.close()
    expect(await stateNow()).toBe('offline')
  })

  it('tells of one at once whose login has ended', async () => {
    const { sockets, stateNow } = await arrivals(1)
    for (const socket of sockets) attendance.depart(socket, true)
    await vi.advanceTimersByTimeAsync(0)
    expect(await stateNow()).toBe('offline')
  })
})
