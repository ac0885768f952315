import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { Actor, EndedLogin, Login, User } from '../../core/domain/account.js'
import type { Denial } from '../../core/domain/denial.js'
import type { RoomId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Message } from '../../core/domain/message.js'
import { conflict, forbidden, notFound, type Refusal, unauthenticated } from '../../core/domain/refusal.js'
import { ok, type Result } from '../../core/domain/result.js'
import { may, type Role } from '../../core/domain/role.js'
import type { Room } from '../../core/domain/room.js'
import type { MessageDraft, RoomChange, RoomEvent } from '../../core/domain/room-event.js'
import type { AccountRepoPort, LoginRepoPort } from '../../core/ports/account-repo-port.js'
import type { ClockPort } from '../../core/ports/clock-port.js'
import type { IdPort } from '../../core/ports/id-port.js'
import type { MessageRepoPort } from '../../core/ports/message-repo-port.js'
import type { RoomFacts, RoomLogPort, RoomNeeds, RoomWrite } from '../../core/ports/room-log-port.js'
import type { InvitationRepoPort, RoomRepoPort } from '../../core/ports/room-repo-port.js'
import type { SettingsRepoPort } from '../../core/ports/settings-repo-port.js'
import type { SweepPort } from '../../core/ports/sweep-port.js'

/** All repositories of one process, on one database. The contracts assume no empty database, only one of their own people. */
export type Store = {
  readonly log: RoomLogPort
  readonly rooms: RoomRepoPort
  readonly invitations: InvitationRepoPort
  readonly messages: MessageRepoPort
  readonly accounts: AccountRepoPort
  readonly logins: LoginRepoPort
  readonly sweep: SweepPort
  readonly storedSettings: SettingsRepoPort
  readonly clock: ClockPort
  readonly ids: IdPort
}

export type StoreContract = Record<string, (store: Store) => Promise<void>>

export type Person = {
  readonly user: User
  readonly login: Login
  readonly actor: Actor & { readonly loginId: string }
  readonly refreshDigest: string
}

export const DAY_MS = 86_400_000
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
export const newSecret = (): string => randomBytes(32).toString('base64url')
export const newDigest = (): string => digestOf(newSecret())

export function newLogin(store: Store, userId: string, login: Partial<Login> = {}): Login {
  const nowMs = store.clock.nowMs()
  const fresh = { id: store.ids.next(), userId, userAgent: null, createdAtMs: nowMs, lastSeenAtMs: nowMs }
  return { ...fresh, expiresAtMs: nowMs + 30 * DAY_MS, ...login }
}

export function newUser(store: Store, displayName: string): User {
  const id = store.ids.next()
  return { id, email: `${id}@example.org`, displayName, mediation: 'on', createdAtMs: store.clock.nowMs() }
}

export async function signUp(store: Store, displayName: string): Promise<Person> {
  const user = newUser(store, displayName)
  const login = newLogin(store, user.id)
  const refreshDigest = newDigest()
  assert.equal(await store.accounts.create(user, 'hash', { login, refreshDigest }), true)
  return { user, login, actor: { userId: user.id, loginId: login.id }, refreshDigest }
}

export function newRoom(store: Store, room: Partial<Room> = {}): Omit<Room, 'headSeq'> {
  const settings = {
    name: 'Home',
    kind: 'group',
    mediation: 'hold',
    sendAnyway: true,
    optOut: false,
  } as const
  const { headSeq: _, ...given } = room
  return { ...settings, ...given, id: store.ids.next(), createdAtMs: store.clock.nowMs() }
}

export async function openRoom(store: Store, owner: Person, room: Partial<Room> = {}): Promise<Room> {
  const creation = accepted(await store.rooms.create(newRoom(store, room), owner.actor, null))
  return creation.outcome === 'created' ? creation.value : assert.fail(creation.outcome)
}

/** What a sweep is asked by somebody who knows nothing of these rooms. */
export const unknownHeads = (...roomIds: readonly RoomId[]): ReadonlyMap<RoomId, number> =>
  new Map(roomIds.map((roomId) => [roomId, 0]))

/** A room of three: its owner, a member and an observer, who joined in this order as seq 1 to 3. */
export async function openRoomOfThree(store: Store) {
  const owner = await signUp(store, 'Olive')
  const member = await signUp(store, 'Max')
  const observer = await signUp(store, 'Obi')
  const room = await openRoom(store, owner)
  await join(store, room.id, member)
  await join(store, room.id, observer, 'observer')
  return { room, roomId: room.id, owner, member, observer }
}

export function accepted<T>(result: Result<T, Refusal | Denial>): T {
  if (result.ok) return result.value
  const { refusal } = result
  return assert.fail(`refused: ${typeof refusal === 'string' ? refusal : refusal.code}`)
}

export const codeOf = (result: Result<unknown, Refusal>): string | null =>
  result.ok ? null : result.refusal.code

type Change = {
  readonly needs?: RoomNeeds
  readonly touches?: RoomWrite<unknown>['touches']
  readonly atMs?: number
  readonly make: (facts: RoomFacts) => Result<readonly RoomChange[], Refusal>
}

/** Writes what `make` decides, and answers the events that it became. */
export function change(
  store: Store,
  roomId: RoomId,
  actor: Actor,
  { needs = {}, touches = 'room', atMs = store.clock.nowMs(), make }: Change,
): Promise<Result<readonly RoomEvent[], Refusal>> {
  return store.log.write({
    roomId,
    actor,
    atMs,
    needs,
    touches,
    decide: (facts) => {
      const made = make(facts)
      return made.ok ? ok({ changes: made.value, answer: (events) => events }) : made
    },
  })
}

export function draftOf(store: Store, roomId: RoomId, senderId: string, text: string): MessageDraft {
  return {
    id: store.ids.next(),
    roomId,
    senderId,
    clientMessageId: store.ids.next(),
    text,
    threadId: null,
    threadSeq: null,
    threadBy: null,
    replyTo: null,
    submittedDigest: digestOf(text),
    deliveredUnder: 'clear',
  }
}

/** Sends as the product does: refused without a live login or a writing role, the earlier message for a known client id. */
export function trySend(
  store: Store,
  roomId: RoomId,
  sender: Person,
  text: string,
  given: Partial<MessageDraft> & { readonly atMs?: number } = {},
): Promise<Result<Message, Refusal>> {
  const { atMs = store.clock.nowMs(), ...fields } = given
  const draft = { ...draftOf(store, roomId, sender.user.id, text), ...fields }
  const { clientMessageId, replyTo } = draft
  return store.log.write<Message>({
    roomId,
    actor: sender.actor,
    atMs,
    needs: replyTo === null ? { clientMessageId } : { clientMessageId, replyTo },
    touches: `client:${sender.user.id}:${clientMessageId}`,
    decide: ({ loginIsLive, actor, earlier, replyTo: quoted }) => {
      if (!loginIsLive) return unauthenticated()
      if (actor === null || (replyTo !== null && quoted === null)) return notFound()
      if (!may(actor.role, 'write')) return forbidden()
      if (earlier !== null) {
        if (earlier.submittedDigest !== draft.submittedDigest) return conflict('Another text had this id.')
        return ok({ changes: [], answer: () => earlier.message })
      }
      return ok({ changes: [{ type: 'message.sent', draft }], answer: (events) => messageIn(events) })
    },
  })
}

export async function send(...args: Parameters<typeof trySend>): Promise<Message> {
  return accepted(await trySend(...args))
}

/** Sends `texts` one after the other. */
export async function sendAll(store: Store, roomId: RoomId, sender: Person, texts: readonly string[]) {
  const messages: Message[] = []
  for (const text of texts) messages.push(await send(store, roomId, sender, text))
  return messages
}

export function messageIn(events: readonly RoomEvent[]): Message {
  const event = events[0]
  return event?.type === 'message.sent' || event?.type === 'message.edited'
    ? event.data.message
    : assert.fail('carries no message')
}

/** Writes a change of one message, made from its present state. */
export async function changeMessage(
  store: Store,
  actor: Actor,
  message: Message,
  make: (present: Message) => RoomChange,
  atMs = store.clock.nowMs(),
): Promise<RoomEvent> {
  const written = await change(store, message.roomId, actor, {
    needs: { messageId: message.id },
    touches: `message:${message.id}`,
    atMs,
    make: (facts) => (facts.message === null ? notFound() : ok([make(facts.message)])),
  })
  return accepted(written)[0] ?? assert.fail('wrote no event')
}

export const edit = (store: Store, actor: Actor, target: Message, text: string, atMs?: number) =>
  changeMessage(
    store,
    actor,
    target,
    (message) => ({ type: 'message.edited', message, text, deliveredUnder: 'edited' }),
    atMs,
  )

export const remove = (store: Store, actor: Actor, target: Message, atMs?: number) =>
  changeMessage(store, actor, target, (message) => ({ type: 'message.deleted', message }), atMs)

export async function tryJoin(
  store: Store,
  roomId: RoomId,
  person: Person,
  role: Role = 'member',
  invitationCode: string | null = null,
): Promise<Result<readonly RoomEvent[], Refusal>> {
  const atMs = store.clock.nowMs()
  return change(store, roomId, person.actor, {
    needs: invitationCode === null ? {} : { invitationCode },
    atMs,
    make: ({ actor, actorName, invitation }) => {
      if (actor !== null) return ok([])
      const isUsedUp = invitation !== null && invitation.uses >= invitation.maxUses
      if (invitationCode !== null && (invitation === null || isUsedUp)) return notFound()
      const member = { userId: person.user.id, displayName: actorName, role, joinedAtMs: atMs, readSeq: 0 }
      return ok([{ type: 'member.joined', member, invitationCode }])
    },
  })
}

export const join = async (...args: Parameters<typeof tryJoin>): Promise<void> => {
  accepted(await tryJoin(...args))
}

export async function leave(store: Store, roomId: RoomId, person: Person): Promise<void> {
  const userId = person.user.id
  accepted(await change(store, roomId, person.actor, { make: () => ok([{ type: 'member.left', userId }]) }))
}

export async function setRole(store: Store, roomId: RoomId, actor: Actor, person: Person, role: Role) {
  const { id: userId, displayName } = person.user
  const make = () => ok([{ type: 'member.changed', userId, role, displayName } as const])
  accepted(await change(store, roomId, actor, { needs: { memberId: userId }, make }))
}

export async function updateRoom(store: Store, roomId: RoomId, actor: Actor, settings: Partial<Room>) {
  const make = ({ room }: RoomFacts) =>
    ok([{ type: 'room.updated', room: { ...room, ...settings } } as const])
  accepted(await change(store, roomId, actor, { make }))
}

export function newInvitation(store: Store, roomId: RoomId, by: Person, given: Partial<Invitation> = {}) {
  const createdAtMs = store.clock.nowMs()
  const times = { createdAtMs, expiresAtMs: createdAtMs + DAY_MS, revokedAtMs: null }
  const invitation: Invitation = {
    code: newSecret(),
    roomId,
    role: 'member',
    createdBy: by.user.id,
    maxUses: 1,
    uses: 0,
    ...times,
    ...given,
  }
  return invitation
}

/** The whole log of a room, read page by page. */
export async function wholeLog(store: Store, roomId: RoomId, since = 0): Promise<readonly RoomEvent[]> {
  const events: RoomEvent[] = []
  for (let from = since, more = true; more; ) {
    const page = (await store.log.read(roomId, from, 500)) ?? assert.fail('no such room')
    events.push(...page.events)
    assert.ok(page.events.length > 0 || !page.hasMore, 'there are more events, and none is answered')
    from = events.at(-1)?.seq ?? from
    more = page.hasMore
  }
  return events
}

export async function headSeqOf(store: Store, roomId: RoomId): Promise<number> {
  return ((await store.log.read(roomId, 0, 1)) ?? assert.fail('no such room')).headSeq
}

/** Asserts that the log is 1, 2, … `headSeq` without a hole, and answers it. */
export async function gaplessLog(store: Store, roomId: RoomId): Promise<readonly RoomEvent[]> {
  const events = await wholeLog(store, roomId)
  const seqs = events.map((event) => event.seq)
  assert.deepEqual(
    seqs,
    events.map((_, index) => index + 1),
  )
  assert.equal(await headSeqOf(store, roomId), events.length)
  return events
}

export const idsOf = (logins: readonly EndedLogin[]): readonly string[] =>
  logins.map((login) => login.loginId).sort()
