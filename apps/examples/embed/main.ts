import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
// In a service of your own: from 'parley/adapters/memory', 'parley/adapters/mediator' and so on.
import { AlwaysDeliver } from '../../../adapters/mediator/index.js'
import {
  MemoryBusHub,
  MemoryCache,
  MemoryDatabase,
  MemoryPresence,
  MemoryRateLimit,
  MemorySessions,
  memoryRepos,
} from '../../../adapters/memory/index.js'
import { ArgonPasswords, JwtTokens, SystemClock, UuidIds } from '../../../adapters/system/index.js'
import { type Actor, createParley, type Parley, type Refusal, type Result } from '../../../core/index.js'
import { createDesk } from './service.js'

/** Rooms in this process's memory; `createPostgresStore` of `parley/adapters/postgres` has the same repositories over Postgres. */
function parleyInMemory(): Parley {
  const clock = new SystemClock()
  const database = new MemoryDatabase()
  const limits = new MemoryRateLimit(clock)
  return createParley({
    ...memoryRepos(database),
    sessions: new MemorySessions((loginId) => database.hasEnded(loginId)),
    presence: new MemoryPresence(clock),
    cache: new MemoryCache(clock),
    limits,
    localLimits: limits,
    bus: new MemoryBusHub(clock).endpoint(),
    mediator: new AlwaysDeliver(),
    notices: { toRoom: () => undefined, toRoomHere: () => undefined, onPresence: () => undefined },
    passwords: new ArgonPasswords(),
    tokens: new JwtTokens({ secret: randomBytes(32).toString('base64url'), clock }),
    clock,
    ids: new UuidIds(),
  })
}

function value<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
  return result.value
}

/** Tells Parley of someone whom the desk knows. They sign in at the desk, so nobody needs to know this password. */
async function enrol(parley: Parley, displayName: string): Promise<Actor> {
  const email = `${displayName.toLowerCase()}@desk.example`
  const password = randomBytes(24).toString('base64url')
  const { user } = value(
    await parley.signUp.execute({ email, password, displayName, userAgent: null, ip: '127.0.0.1' }),
  )
  return { userId: user.id, loginId: null }
}

const parley = parleyInMemory()
const ana = await enrol(parley, 'Ana')
const ben = await enrol(parley, 'Ben')
const eve = await enrol(parley, 'Eve')
const ticket = value(await parley.createRoom.execute(ana, { name: 'Printer on floor 2' }))
const { code } = value(await parley.createInvitation.execute(ana, { roomId: ticket.id }))
value(await parley.acceptInvitation.execute(ben, { code }))

const people = new Map([
  ['ana', ana.userId],
  ['ben', ben.userId],
  ['eve', eve.userId],
])
const desk = createDesk(parley, { userIdOf: (name) => people.get(name) })
desk.listen(Number(process.env.PORT ?? 3100), '127.0.0.1', () => {
  const { port } = desk.address() as AddressInfo
  console.log(`Ana and Ben have a ticket: http://127.0.0.1:${port}/tickets/${ticket.id}/comments`)
})
