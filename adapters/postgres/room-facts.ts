import { isId, type LoginId, type MessageId, type RoomId, type UserId } from '../../core/domain/ids.js'
import type { Invitation } from '../../core/domain/invitation.js'
import type { Message } from '../../core/domain/message.js'
import type { Member, Room } from '../../core/domain/room.js'
import type { RoomFacts, RoomWrite } from '../../core/ports/room-log-port.js'
import type { Transaction } from './connection.js'
import { type InvitationRow, toInvitation } from './invitation-rows.js'
import type { KnownMember, Sent } from './known-rooms.js'
import type { LiveLogin } from './live-login.js'
import { type MessageRow, messageColumns, toMessage } from './message-rows.js'
import { type MemberRow, toMember } from './room-rows.js'

type Person = { readonly name: string; readonly member: Member | null }
type People = ReadonlyMap<RoomId, ReadonlyMap<UserId, Person>>
type Census = NonNullable<RoomFacts['census']>

/** Everything that the decisions of a batch may ask for, read with the rooms locked. */
export class BatchFacts {
  constructor(
    private readonly people: People,
    readonly logins: ReadonlyMap<LoginId, LiveLogin>,
    private readonly messages: ReadonlyMap<MessageId, Message>,
    private readonly earlier: ReadonlyMap<string, NonNullable<RoomFacts['earlier']>>,
    private readonly invitations: ReadonlyMap<string, Invitation>,
    private readonly censuses: ReadonlyMap<RoomId, Census>,
  ) {}

  of({ roomId, actor, atMs, needs }: RoomWrite<unknown>, room: Room): RoomFacts {
    const { messageId, replyTo, clientMessageId, memberId, invitationCode } = needs
    const people = this.people.get(roomId)
    const person = people?.get(actor.userId)
    const invitation = invitationCode === undefined ? undefined : this.invitations.get(invitationCode)
    return {
      room,
      loginIsLive: this.isLive(actor, atMs),
      actor: person?.member ?? null,
      actorName: person?.name ?? '',
      message: this.message(roomId, messageId),
      replyTo: this.message(roomId, replyTo),
      earlier:
        clientMessageId === undefined
          ? null
          : (this.earlier.get(sendKey(roomId, actor.userId, clientMessageId)) ?? null),
      member: memberId === undefined ? null : (people?.get(memberId)?.member ?? null),
      invitation: invitation?.roomId === roomId ? invitation : null,
      census: needs.census === true ? (this.censuses.get(roomId) ?? NOBODY) : null,
    }
  }

  /** The members of the room among those of whom was read; `sent` as far as it is given. */
  membersOf(roomId: RoomId, sent: ReadonlyMap<UserId, Sent>): ReadonlyMap<UserId, KnownMember> {
    const members = new Map<UserId, KnownMember>()
    for (const [userId, { name, member }] of this.people.get(roomId) ?? [])
      if (member !== null) members.set(userId, { name, member, sent: sent.get(userId) ?? null })
    return members
  }

  private isLive({ userId, loginId }: RoomWrite<unknown>['actor'], atMs: number): boolean {
    if (loginId === null) return true
    const login = this.logins.get(loginId)
    return login !== undefined && login.userId === userId && atMs < login.expiresAtMs
  }

  private message(roomId: RoomId, messageId: MessageId | undefined): Message | null {
    const message = messageId === undefined ? undefined : this.messages.get(messageId)
    return message?.roomId === roomId ? message : null
  }
}

const NOBODY: Census = { owners: 0, participants: 0 }

const personKey = (roomId: RoomId, userId: UserId): string => `${roomId} ${userId}`
const sendKey = (roomId: RoomId, userId: UserId, clientMessageId: string): string =>
  `${roomId} ${userId} ${clientMessageId}`

/**
 * One query for each kind of fact that any of the writes needs, whatever their number; all are under way at once. What is
 * no id is not asked for, so it is not found, and cannot fail the queries of the others.
 */
export async function readFacts(tx: Transaction, writes: readonly RoomWrite<unknown>[]): Promise<BatchFacts> {
  return new BatchFacts(
    ...(await Promise.all([
      readPeople(tx, writes),
      readLogins(tx, writes),
      readMessages(tx, writes),
      readEarlier(tx, writes),
      readInvitations(tx, writes),
      readCensuses(tx, writes),
    ])),
  )
}

const unique = (values: Iterable<string | undefined | null>): string[] => {
  const given = new Set<string>()
  for (const value of values) if (value != null) given.add(value)
  return [...given]
}

const ids = (values: Iterable<string | undefined | null>): string[] => unique(values).filter(isId)

async function readPeople(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = new Map<string, readonly [RoomId, UserId]>()
  for (const { roomId, actor, needs } of writes)
    for (const userId of ids([actor.userId, needs.memberId]))
      wanted.set(personKey(roomId, userId), [roomId, userId])
  type Row = { room_id: string; role: MemberRow['role'] | null } & Omit<MemberRow, 'role'>
  const rows = await tx<Row[]>`
    select w.room_id, u.id as user_id, u.display_name, m.role, m.joined_at_ms, m.read_seq
    from unnest(${[...wanted.values()].map(([roomId]) => roomId)}::uuid[],
                ${[...wanted.values()].map(([, userId]) => userId)}::uuid[]) as w(room_id, user_id)
    join users u on u.id = w.user_id
    left join room_members m on m.room_id = w.room_id and m.user_id = w.user_id and m.left_at_ms is null`
  const people = new Map<RoomId, Map<UserId, Person>>()
  for (const { room_id, role, ...row } of rows) {
    const member = role === null ? null : toMember({ ...row, role })
    const ofRoom = people.get(room_id) ?? new Map<UserId, Person>()
    people.set(room_id, ofRoom.set(row.user_id, { name: row.display_name, member }))
  }
  return people
}

async function readLogins(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = ids(writes.map(({ actor }) => actor.loginId))
  if (wanted.length === 0) return new Map<LoginId, LiveLogin>()
  const rows = await tx<{ id: string; user_id: string; expires_at_ms: number }[]>`
    select l.id, l.user_id, l.expires_at_ms
    from logins l join users u on u.id = l.user_id
    where l.id = any(${wanted}::uuid[]) and l.ended_at_ms is null and u.disabled_at_ms is null`
  return new Map(rows.map((row) => [row.id, { userId: row.user_id, expiresAtMs: row.expires_at_ms }]))
}

async function readMessages(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = ids(writes.flatMap(({ needs }) => [needs.messageId, needs.replyTo]))
  if (wanted.length === 0) return new Map<MessageId, Message>()
  const rows = await tx<MessageRow[]>`
    select ${messageColumns(tx)} from messages m where m.id = any(${wanted}::uuid[])`
  return new Map(rows.map((row) => [row.id, toMessage(row)]))
}

async function readEarlier(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = writes.filter(
    ({ actor, needs }) => needs.clientMessageId !== undefined && isId(actor.userId),
  )
  if (wanted.length === 0) return new Map<string, NonNullable<RoomFacts['earlier']>>()
  // The limit keeps the planner from joining against the whole table while that is still small.
  const rows = await tx<(MessageRow & { submitted_digest: string })[]>`
    select m.* from unnest(
      ${wanted.map(({ roomId }) => roomId)}::uuid[],
      ${wanted.map(({ actor }) => actor.userId)}::uuid[],
      ${wanted.map(({ needs }) => needs.clientMessageId ?? '')}::text[]
    ) as w(room_id, sender_id, client_message_id)
    cross join lateral (
      select ${messageColumns(tx)}, m.submitted_digest from messages m
      where m.room_id = w.room_id and m.client_message_id = w.client_message_id
        and m.sender_id::text = w.sender_id::text
      limit 1
    ) as m`
  return new Map(
    rows.map((row) => [
      sendKey(row.room_id, row.sender_id, row.client_message_id),
      { message: toMessage(row), submittedDigest: row.submitted_digest },
    ]),
  )
}

async function readInvitations(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = unique(writes.map(({ needs }) => needs.invitationCode))
  if (wanted.length === 0) return new Map<string, Invitation>()
  const rows = await tx<InvitationRow[]>`select * from invitations where code = any(${wanted}::text[])`
  return new Map(rows.map((row) => [row.code, toInvitation(row)]))
}

async function readCensuses(tx: Transaction, writes: readonly RoomWrite<unknown>[]) {
  const wanted = unique(writes.map(({ needs, roomId }) => (needs.census === true ? roomId : null)))
  if (wanted.length === 0) return new Map<RoomId, Census>()
  const rows = await tx<{ room_id: string; owners: number; participants: number }[]>`
    select room_id, count(*) filter (where role = 'owner') as owners,
      count(*) filter (where role <> 'observer') as participants
    from room_members where room_id = any(${wanted}::uuid[]) and left_at_ms is null
    group by room_id`
  return new Map(rows.map(({ room_id, owners, participants }) => [room_id, { owners, participants }]))
}
