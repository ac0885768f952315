/** All ids of the product are UUIDv7 strings (RFC 9562), lower case. */
export type UserId = string
export type LoginId = string
export type RoomId = string
export type MessageId = string
export type ThreadId = string
export type SocketId = string

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether a string can name anything at all; one that cannot is answered NOT_FOUND, and never reaches a store. */
export const isId = (value: string): boolean => UUID.test(value)

const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/

/** `clientMessageId` and `clientId`: made by the client, unique per sender, 1 to 64 of `[A-Za-z0-9_-]`. */
export const isClientId = (value: string): boolean => CLIENT_ID.test(value)
