import { Redis } from 'ioredis'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { asManyAs, canRunTwo, serverMode } from '../support/server-mode.js'
import { startServer } from '../support/server-process.js'

/** Contract: how long others may see someone online after a disconnect, and after the death of a process. */
const AFTER_DISCONNECT_MS = 20_000
const AFTER_KILL_MS = 60_000
/** Less than the 10 s within which one may come back unnoticed, with room for a busy machine. */
const SHORT_ABSENCE_MS = 3_000

/** For those that kill none of them; embedded, both are the only one. */
let shared: Instances
beforeAll(async () => {
  shared = await startInstances(asManyAs(2))
})
afterAll(() => shared?.stop())

/** Ada watches a room at the first server, and Ben, its other member, may come at the second. */
class Scene {
  /** What she is told of him. */
  readonly told: string[] = []

  private constructor(
    readonly instances: Instances,
    readonly ada: Person,
    readonly ben: Person,
    readonly roomId: string,
  ) {}

  static async set(instances: Instances, { onTestFinished }: TestContext): Promise<Scene> {
    const [here = '', there = here] = instances.urls
    const [ada, ben] = await Promise.all([Person.signUp(here, 'Ada'), Person.signUp(there, 'Ben')])
    onTestFinished(() => {
      ada.close()
      ben.close()
    })
    const roomId = await ada.createRoom()
    await ada.invite(roomId, ben)
    const scene = new Scene(instances, ada, ben, roomId)
    const watcher = await ada.connect()
    await expectOk(call(watcher, 'room:join', { roomId }))
    watcher.on('presence', ({ userId, state }: { userId: string; state: string }) => {
      if (userId === ben.userId) scene.told.push(state)
    })
    return scene
  }

  /** With servers of its own, of which some are killed. */
  static async apart(context: TestContext): Promise<Scene> {
    const instances = await startInstances(2)
    context.onTestFinished(() => instances.stop())
    return Scene.set(instances, context)
  }

  /** Ben as the room shows him when Ada asks. */
  async stateOfBen(): Promise<unknown> {
    const { body } = await this.ada.http('GET', `/rooms/${this.roomId}/presence`)
    const members = body.members as { userId: string; state: string }[]
    return members.find(({ userId }) => userId === this.ben.userId)?.state
  }

  /** Whether Ben is kept where the servers keep it, which is Redis while they have one. */
  async isStored(): Promise<boolean> {
    const { sql, variables } = this.instances
    if (serverMode !== 'redis')
      return (await sql`select from presence_sockets where user_id = ${this.ben.userId}`).length > 0
    const redis = new Redis(variables.REDIS_URL ?? '')
    try {
      return (await redis.exists(`parley:presence:{presence}:user:${this.ben.userId}`)) > 0
    } finally {
      redis.disconnect()
    }
  }

  async comeOnline(): Promise<Socket> {
    const socket = await this.ben.connect()
    await until('the others are told that he came', () => this.told.includes('online'), AFTER_DISCONNECT_MS)
    return socket
  }
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.concurrent('presence', () => {
  it('stays online while one of two tabs is open, and is offline within 20 s after the last (pitfall 9)', async (context) => {
    const { expect } = context
    const scene = await Scene.set(shared, context)
    const { ben, told } = scene
    const [first, second] = [await scene.comeOnline(), await ben.connect(shared.urls[0])]
    await expectOk(call(second, 'presence:set', { state: 'online' }))
    first.disconnect()
    await rest(AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online'])
    expect(await scene.stateOfBen()).toBe('online')

    second.disconnect()
    await until('the others are told that he went', () => told.includes('offline'), AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online', 'offline'])
    expect(await scene.stateOfBen()).toBe('offline')
  }, 120_000)

  it('says nothing of one who was gone for 3 s (pitfall 9)', async (context) => {
    const { expect } = context
    const scene = await Scene.set(shared, context)
    const { ben, told } = scene
    const socket = await scene.comeOnline()
    // Without the packet that says goodbye.
    socket.io.engine.close()
    await rest(SHORT_ABSENCE_MS)
    const again = await ben.connect()
    await expectOk(call(again, 'presence:set', { state: 'online' }))
    await rest(AFTER_DISCONNECT_MS)
    expect(told).toEqual(['online'])
    expect(await scene.stateOfBen()).toBe('online')
  }, 120_000)

  if (canRunTwo) {
    it('is told by the others where a process was killed before it had told', async (context) => {
      const { expect } = context
      const scene = await Scene.apart(context)
      const { ben, told, instances } = scene
      const [here = ''] = instances.urls
      const [, there] = instances.servers
      // Whoever wants to tell of someone reads the rooms of that user first.
      await instances.sql.begin(async (sql) => {
        await sql`lock table room_members in access exclusive mode`
        await ben.connect()
        await until('he is in the store', () => scene.isStored())
        await there?.kill()
      })
      expect(told).toEqual([])
      await ben.connect(here)
      await until('the others are told that he is there', () => told.includes('online'), AFTER_DISCONNECT_MS)
      await rest(SHORT_ABSENCE_MS)
      expect(told).toEqual(['online'])
      expect(await scene.stateOfBen()).toBe('online')
    }, 120_000)

    it('is offline within 60 s for the members elsewhere when the process is killed (pitfall 9)', async (context) => {
      const { expect } = context
      const scene = await Scene.apart(context)
      const { ben, told, instances } = scene
      await scene.comeOnline()
      const [, there] = instances.servers
      await there?.kill()
      await until('the others are told that he went', () => told.includes('offline'), AFTER_KILL_MS)
      expect(told).toEqual(['online', 'offline'])
      expect(await scene.stateOfBen()).toBe('offline')

      const next = await startServer(instances.variables)
      instances.servers.push(next)
      await ben.connect(next.url)
      await until('the others are told that he is back', () => told.length === 3, AFTER_DISCONNECT_MS)
      expect(told).toEqual(['online', 'offline', 'online'])
    }, 120_000)
  }
})
