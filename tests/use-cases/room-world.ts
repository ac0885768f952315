import {
  createTestSystem,
  type SharedWorld,
  type TestSystem,
  type TestUser,
  unwrap,
} from '../../apps/testing/index.js'
import type { Message } from '../../core/domain/message.js'
import { PAGE_LIMIT } from '../../core/domain/page.js'
import type { Role } from '../../core/domain/role.js'
import type { RoomSnapshot } from '../../core/domain/room-event.js'

/** A room in which every role is taken, with more messages than a snapshot shows. */
export type RoomWorld = {
  readonly system: TestSystem
  readonly roomId: string
  readonly owner: TestUser
  readonly moderator: TestUser
  readonly member: TestUser
  readonly observer: TestUser
  /** Signed up, and in no room. */
  readonly outsider: TestUser
  /** Oldest first; by the owner and the member in turns. */
  readonly messages: readonly Message[]
}

export async function invite(system: TestSystem, roomId: string, by: TestUser, role: Role): Promise<string> {
  return unwrap(await system.parley.createInvitation.execute(by.actor, { roomId, role })).code
}

export async function enter(system: TestSystem, roomId: string, by: TestUser, guest: TestUser, role: Role) {
  const code = await invite(system, roomId, by, role)
  unwrap(await system.parley.acceptInvitation.execute(guest.actor, { code }))
}

export async function say(system: TestSystem, roomId: string, by: TestUser, text: string): Promise<Message> {
  const input = { roomId, clientMessageId: system.ids.next(), text }
  return unwrap(await system.parley.sendMessage.execute(by.actor, input)).message
}

/** Starts a deployment, or another process of the one that `shared` is of. */
export type StartSystem = (shared?: SharedWorld) => TestSystem

export const startInMemory: StartSystem = (shared) =>
  createTestSystem({ limitFactor: 1_000, ...(shared === undefined ? {} : { shared }) })

export async function openRoomWorld(
  system: TestSystem,
  messageCount = PAGE_LIMIT.default + 5,
): Promise<RoomWorld> {
  const owner = await system.signUpUser('Olive')
  const moderator = await system.signUpUser('Mona')
  const member = await system.signUpUser('Max')
  const observer = await system.signUpUser('Obi')
  const outsider = await system.signUpUser('Otto')
  const { id: roomId } = unwrap(await system.parley.createRoom.execute(owner.actor, { name: 'Home' }))
  await enter(system, roomId, owner, moderator, 'moderator')
  await enter(system, roomId, owner, member, 'member')
  await enter(system, roomId, owner, observer, 'observer')
  const messages: Message[] = []
  for (let i = 0; i < messageCount; i += 1) {
    system.clock.set(system.clock.nowMs() + 1_000)
    messages.push(await say(system, roomId, i % 2 === 0 ? owner : member, `message ${i}`))
  }
  system.clock.set(system.clock.nowMs() + 1_000)
  return { system, roomId, owner, moderator, member, observer, outsider, messages }
}

/** What a client holds after joining anew; null for who may not. */
export async function freshSnapshot(
  { parley }: Pick<TestSystem, 'parley'>,
  roomId: string,
  reader: TestUser,
): Promise<RoomSnapshot | null> {
  const joined = await parley.joinRoom.execute(reader.actor, { roomId }, async () => undefined)
  if (!joined.ok) return null
  const { room, headSeq, role, members, snapshot } = joined.value
  return { room, headSeq, role, members, messages: snapshot?.messages ?? [] }
}

/** A snapshot without what no event of the log tells: read markers. */
export function withoutMarkers(snapshot: RoomSnapshot | null) {
  if (snapshot === null) return null
  return { ...snapshot, members: snapshot.members.map(({ readSeq: _, ...member }) => member) }
}
