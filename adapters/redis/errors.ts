import { PortUnavailable } from '../../core/ports/port-unavailable.js'

/** Why Redis could not be asked: the code of its reply or of the connection's error, and a message without arguments. */
export class RedisFailure extends Error {
  override readonly name = 'RedisFailure'

  constructor(
    readonly code: string,
    message: string,
    /** Whether Redis answered so. */
    readonly isReply = false,
  ) {
    super(`${code}: ${message}`)
  }
}

/** The code of a call that was not sent. */
export const NOT_UP = 'NOTUP'

/**
 * Codes of replies by which a server says that it is not fit for use, of those that Redis itself makes (`server.c`, `acl.c`,
 * `networking.c`, `cluster.c`). Any other reply speaks of the command, its keys or who sent it.
 */
const UNWELL = new Set([
  'LOADING',
  'BUSY',
  'READONLY',
  'OOM',
  'MISCONF',
  'MASTERDOWN',
  'NOREPLICAS',
  'CLUSTERDOWN',
  'NOAUTH',
  'WRONGPASS',
  'DENIED',
])

/** False for a reply that says nothing of Redis itself; no answer in time, or no connection, says enough. */
export const saysRedisIsUnwell = (cause: unknown): boolean =>
  !(cause instanceof RedisFailure && cause.isReply) || UNWELL.has(cause.code)

/** Whether a call was refused because Redis was not up, so that nothing can come of it. */
export const wasNotSent = (error: unknown): boolean =>
  error instanceof PortUnavailable && error.cause instanceof RedisFailure && error.cause.code === NOT_UP

/**
 * What leaves the adapter instead of an error of the library, which carries the arguments of the command: keys, tokens and texts.
 * A mistake of this code is passed on as it is.
 */
export function translate(port: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return error
  return error instanceof PortUnavailable ? error : new PortUnavailable(port, failureOf(error))
}

function failureOf(error: Error): RedisFailure {
  if (error.name === 'ReplyError') {
    // Replies begin with their code: `OOM command not allowed …`, `READONLY You can't write …`.
    const [code = 'ERR', ...rest] = error.message.split(' ')
    return new RedisFailure(code, rest.join(' '), true)
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return new RedisFailure(code, error.message)
}
