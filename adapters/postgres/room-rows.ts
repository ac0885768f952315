import type { Role } from '../../core/domain/role.js'
import type { MediationMode, Member, Room, RoomHeads, RoomKind } from '../../core/domain/room.js'
import type { Sql, Transaction } from './connection.js'

export type HeadsRow = {
  readonly head: number
  readonly messages_head: number
  readonly threads_head: number
  readonly members_head: number
}

export type RoomRow = HeadsRow & {
  readonly id: string
  readonly name: string
  readonly kind: RoomKind
  readonly mediation: MediationMode
  readonly send_anyway: boolean
  readonly opt_out: boolean
  readonly created_at_ms: number
}

/** The columns of `RoomRow`, of a table that goes by `r`. */
export const roomColumns = (sql: Sql | Transaction) => sql`
  r.id, r.name, r.kind, r.mediation, r.send_anyway, r.opt_out, r.created_at_ms,
  r.head, r.messages_head, r.threads_head, r.members_head`

export const toRoom = (row: RoomRow): Room => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  mediation: row.mediation,
  sendAnyway: row.send_anyway,
  optOut: row.opt_out,
  headSeq: row.head,
  createdAtMs: row.created_at_ms,
})

export const toHeads = (row: HeadsRow): RoomHeads => ({
  head: row.head,
  messages: row.messages_head,
  threads: row.threads_head,
  members: row.members_head,
})

/** Each field by name: V8 copies a row of postgres.js slowly, and makes a hidden class of its own for what is added to the copy. */
export const withHeads = (row: RoomRow, { head, messages, threads, members }: RoomHeads): RoomRow => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  mediation: row.mediation,
  send_anyway: row.send_anyway,
  opt_out: row.opt_out,
  created_at_ms: row.created_at_ms,
  head,
  messages_head: messages,
  threads_head: threads,
  members_head: members,
})

export type MemberRow = {
  readonly user_id: string
  readonly display_name: string
  readonly role: Role
  readonly joined_at_ms: number
  readonly read_seq: number
}

export const toMember = (row: MemberRow): Member => ({
  userId: row.user_id,
  displayName: row.display_name,
  role: row.role,
  joinedAtMs: row.joined_at_ms,
  readSeq: row.read_seq,
})
