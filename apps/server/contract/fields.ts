import Type, { type TProperties, type TSchema } from 'typebox'
import { EVENTS_LIMIT, PAGE_LIMIT } from '../../../core/domain/page.js'
import { ROLES } from '../../../core/domain/role.js'
import { MESSAGE_MAX } from '../../../core/domain/text.js'

/** What a client sends: a field that the schema does not name is refused, never ignored. */
export const strict = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

/** What the server answers: fields may be added later. */
export const shape = <P extends TProperties>(properties: P) => Type.Object(properties)

export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
export const listOf = <S extends TSchema>(schema: S) => Type.Immutable(Type.Array(schema))
export const optional = Type.Optional

export const Id = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  description: 'UUIDv7, lower case',
})
export const ClientId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'made by the client' })
export const Code = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })
export const Seq = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const Count = Type.Integer({ minimum: 0 })
export const Time = Type.String({ description: 'ISO 8601, UTC, with milliseconds' })
export const Cursor = Type.String({
  minLength: 1,
  maxLength: 100,
  description: '`nextCursor` of the page before',
})
export const Limit = Type.Integer({ minimum: 1, maximum: PAGE_LIMIT.max, default: PAGE_LIMIT.default })
export const EventsLimit = Type.Integer({
  minimum: 1,
  maximum: EVENTS_LIMIT.max,
  default: EVENTS_LIMIT.default,
})
export const MinSeq = Type.Integer({
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'the answer is never older than this seq',
})

export const RoleName = Type.Enum([...ROLES])
export const RoomKind = Type.Enum(['direct', 'group'])
export const MediationMode = Type.Enum(['off', 'advise', 'hold'])
export const OnOff = Type.Enum(['on', 'off'])
export const PresenceState = Type.Enum(['online', 'away', 'offline'])

/** The core counts again after normalising; this bound only keeps long texts away from it. */
export const Text = Type.String({ minLength: 1, maxLength: MESSAGE_MAX })
/** A name before NFC may be longer than it is after. */
export const nameOf = (max: number) =>
  Type.String({ minLength: 1, maxLength: 4 * max, description: `at most ${max} characters after NFC` })
export const Email = Type.String({ minLength: 3, maxLength: 254 })
export const Password = Type.String({ minLength: 1, maxLength: 1_024 })
export const Token = Type.String({ minLength: 1, maxLength: 4_096 })
export const Emoji = Type.String({ minLength: 1, maxLength: 40, description: 'one emoji' })
