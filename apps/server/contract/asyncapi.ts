import Type, { type TSchema } from 'typebox'
import { WireError } from './errors.js'
import { shape } from './fields.js'
import type { Operation } from './operation.js'
import { OPERATIONS } from './operations/index.js'
import { SERVER_EVENTS } from './server-events.js'

type Json = { readonly [name: string]: unknown }
type ClientOperation = Operation & { readonly event: string }

const CHANNEL = '#/channels/socket'

const isClientEvent = (operation: Operation): operation is ClientOperation => operation.event !== undefined

const ackOf = (output: TSchema): TSchema =>
  Type.Union([
    shape({ ok: Type.Literal(true), data: output }),
    shape({ ok: Type.Literal(false), error: WireError }),
  ])

const message = (name: string, summary: string, payload: TSchema): Json => ({ name, summary, payload })
const ref = (path: string): Json => ({ $ref: path })

/** The AsyncAPI document of the default namespace of Socket.io: client events with their acks, and server events. */
export function asyncApiDocument(version: string): Json {
  const clientEvents = OPERATIONS.filter(isClientEvent)
  const messages = {
    ...Object.fromEntries(
      clientEvents.flatMap(({ event, summary, input, output }) => [
        [event, message(event, summary, input)],
        [`${event}.ack`, message(`${event}.ack`, `The ack of ${event}.`, ackOf(output))],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(SERVER_EVENTS).map(([name, payload]) => [
        name,
        message(name, 'Sent by the server.', payload),
      ]),
    ),
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley',
      version,
      description: 'Socket.io 4, default path and namespace. Connect with `auth: { token: <access token> }`.',
    },
    channels: { socket: { address: '/', messages } },
    operations: {
      ...Object.fromEntries(clientEvents.map((operation) => [operation.id, received(operation)])),
      ...Object.fromEntries(Object.keys(SERVER_EVENTS).map((name) => [`push.${name}`, sent(name)])),
    },
  }
}

const received = ({ event, summary }: ClientOperation): Json => ({
  action: 'receive',
  summary,
  channel: ref(CHANNEL),
  messages: [ref(`${CHANNEL}/messages/${event}`)],
  reply: { channel: ref(CHANNEL), messages: [ref(`${CHANNEL}/messages/${event}.ack`)] },
})

const sent = (name: string): Json => ({
  action: 'send',
  channel: ref(CHANNEL),
  messages: [ref(`${CHANNEL}/messages/${name}`)],
})
