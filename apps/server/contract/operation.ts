import type { Static, TObject, TSchema } from 'typebox'
import type { Actor } from '../../../core/domain/account.js'
import { type Refusal, unauthenticated } from '../../../core/domain/refusal.js'
import type { Result } from '../../../core/domain/result.js'
import type { Parley } from '../../../core/parley.js'
import type { JoinedRoom } from '../../../core/use-cases/rooms/join-room.js'
import type { Overview } from './overview.js'
import { type Validate, validatorOf } from './validation.js'

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** `path` is below `/api/v1`; its parameters are fields of the operation's input. */
export type HttpRoute = {
  readonly method: HttpMethod
  readonly path: string
  /** The field that `:id` in the path stands for. */
  readonly id?: string
  readonly status: number
}

/** The refresh token of a browser, which scripts cannot read. */
export interface RefreshCookie {
  /** Null where there is none, or where the request does not prove that it comes from an allowed page. */
  read(): string | null
  set(refreshToken: string, expiresAtMs: number): void
  clear(): void
}

/** One connected socket, as far as operations act on it. */
export interface Connection {
  readonly socketId: string
  /** Runs `join` and leaves the socket in the room if it was let in, and only then. */
  enter(
    roomId: string,
    join: (enter: () => Promise<void>) => Promise<Result<JoinedRoom, Refusal>>,
  ): Promise<Result<JoinedRoom, Refusal>>
  /** Resolves once the socket is out of the room, and no join that was under way can bring it back. */
  leave(roomId: string): Promise<void>
  /** Prolongs the socket's life; false for a token of another login. */
  renew(actor: Actor, expiresAtMs: number): boolean
}

/** Who calls, and over what. */
export type Context = {
  readonly parley: Parley
  readonly ip: string
  readonly userAgent: string | null
  /** Null where no valid access token came with the request. */
  readonly actor: Actor | null
  /** Null over a socket. */
  readonly refreshCookie: RefreshCookie | null
  /** Null over HTTP. */
  readonly connection: Connection | null
  /** What all processes tell of themselves; null over a socket. */
  readonly overview: (() => Promise<Overview>) | null
}

type UserContext = Context & { readonly actor: Actor }
type SocketContext = UserContext & { readonly connection: Connection }

type Head = {
  readonly id: string
  readonly summary: string
  readonly http?: HttpRoute
  /** Name of the client event. */
  readonly event?: string
}

/**
 * Something a client can ask for: its messages, and the one use case that answers. The table of all of them (`OPERATIONS`)
 * makes the routes, the socket events and both published documents.
 */
export type Operation = Head & {
  readonly auth: 'user' | 'none' | 'admin'
  readonly input: TObject
  readonly output: TSchema
  readonly validate: Validate
  run(context: Context, input: object): Promise<Result<unknown, Refusal>>
}

type Spec<C extends Context, I extends TObject, O extends TSchema> = Head & {
  readonly input: I
  readonly output: O
  run(context: C, input: Static<I>): Promise<Result<Static<O>, Refusal>>
}

const refused = Promise.resolve(unauthenticated())

export function forUsers<I extends TObject, O extends TSchema>(spec: Spec<UserContext, I, O>): Operation {
  return {
    ...spec,
    auth: 'user',
    validate: validatorOf(spec.input),
    run: (context, input) => (isOfUser(context) ? spec.run(context, input as Static<I>) : refused),
  }
}

const isOfUser = (context: Context): context is UserContext => context.actor !== null
const isOfSocket = (context: UserContext): context is SocketContext => context.connection !== null

/** Anyone may call these; those that act on a login take the token or code that proves it. */
export function forAnyone<I extends TObject, O extends TSchema>(spec: Spec<Context, I, O>): Operation {
  return {
    ...spec,
    auth: 'none',
    validate: validatorOf(spec.input),
    run: (context, input) => spec.run(context, input as Static<I>),
  }
}

/** The transport has checked the administrator's token. */
export function forAdministrators<I extends TObject, O extends TSchema>(
  spec: Spec<Context, I, O>,
): Operation {
  return { ...forAnyone(spec), auth: 'admin' }
}

/** What has a meaning for a connected socket only. */
export function forSockets<I extends TObject, O extends TSchema>(
  spec: Spec<SocketContext, I, O> & { readonly event: string },
): Operation {
  return forUsers({
    ...spec,
    run: (context, input) => (isOfSocket(context) ? spec.run(context, input) : refused),
  })
}
