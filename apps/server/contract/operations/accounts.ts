import Type from 'typebox'
import type { Refusal } from '../../../../core/domain/refusal.js'
import { unauthenticated } from '../../../../core/domain/refusal.js'
import { ok, type Result } from '../../../../core/domain/result.js'
import { DISPLAY_NAME } from '../../../../core/domain/text.js'
import type { SignedIn } from '../../../../core/use-cases/accounts/signed-in.js'
import {
  Email,
  Id,
  listOf,
  nameOf,
  nullable,
  OnOff,
  optional,
  Password,
  shape,
  strict,
  Token,
} from '../fields.js'
import { type Context, forAnyone, forUsers } from '../operation.js'
import { Session, User, type WireUser } from '../shapes.js'
import { wireSession, wireUser } from '../to-wire.js'

const Transport = Type.Enum(['cookie', 'body'], {
  description: '`cookie` keeps the refresh token from the scripts of a page',
})

const SignedInAnswer = shape({
  user: User,
  accessToken: Type.String(),
  refreshToken: nullable(Type.String()),
  expiresInS: Type.Integer(),
})

type SignedInWire = { user: WireUser; accessToken: string; refreshToken: string | null; expiresInS: number }

function answerSignedIn(
  context: Context,
  transport: 'cookie' | 'body',
  result: Result<SignedIn, Refusal>,
): Result<SignedInWire, Refusal> {
  if (!result.ok) return result
  const { user, accessToken, refreshToken, expiresInS, refreshExpiresAtMs } = result.value
  const hidden = transport === 'cookie' && context.refreshCookie !== null
  if (hidden) context.refreshCookie?.set(refreshToken, refreshExpiresAtMs)
  return ok({
    user: wireUser(user),
    accessToken,
    refreshToken: hidden ? null : refreshToken,
    expiresInS,
  })
}

const ProfileAnswer = shape({ user: User, mediation: OnOff })

export const accountOperations = [
  forAnyone({
    id: 'signUp',
    summary: 'Make an account and sign in.',
    http: { method: 'POST', path: '/auth/sign-up', status: 201 },
    input: strict({
      email: Email,
      password: Password,
      displayName: nameOf(DISPLAY_NAME.max),
      transport: optional(Transport),
    }),
    output: SignedInAnswer,
    async run(context, { transport, ...account }) {
      const { parley, ip, userAgent } = context
      const result = await parley.signUp.execute({ ...account, ip, userAgent })
      return answerSignedIn(context, transport ?? 'body', result)
    },
  }),
  forAnyone({
    id: 'signIn',
    summary: 'Sign in.',
    http: { method: 'POST', path: '/auth/sign-in', status: 200 },
    input: strict({ email: Email, password: Password, transport: optional(Transport) }),
    output: SignedInAnswer,
    async run(context, { transport, ...credentials }) {
      const { parley, ip, userAgent } = context
      const result = await parley.signIn.execute({ ...credentials, ip, userAgent })
      return answerSignedIn(context, transport ?? 'body', result)
    },
  }),
  forAnyone({
    id: 'refresh',
    summary: 'Spend the refresh token for a new pair.',
    http: { method: 'POST', path: '/auth/refresh', status: 200 },
    input: strict({ refreshToken: optional(Token) }),
    output: SignedInAnswer,
    async run(context, { refreshToken }) {
      const { parley, ip, refreshCookie } = context
      const token = refreshToken ?? refreshCookie?.read() ?? null
      if (token === null) return unauthenticated()
      const result = await parley.refreshLogin.execute({ refreshToken: token, ip })
      return answerSignedIn(context, refreshToken === undefined ? 'cookie' : 'body', result)
    },
  }),
  forAnyone({
    id: 'signOut',
    summary: 'End the login that this comes from, everywhere at once.',
    http: { method: 'POST', path: '/auth/sign-out', status: 204 },
    input: strict({ refreshToken: optional(Token) }),
    output: shape({}),
    async run({ parley, actor, refreshCookie }, { refreshToken }) {
      const token = refreshToken ?? refreshCookie?.read() ?? null
      if (actor === null && token === null) return unauthenticated()
      const result = await parley.signOut.execute(actor !== null ? { actor } : { refreshToken: token ?? '' })
      if (!result.ok) return result
      refreshCookie?.clear()
      return ok({})
    },
  }),
  forUsers({
    id: 'changePassword',
    summary: 'Change the password; every other login of the user ends.',
    http: { method: 'POST', path: '/auth/password', status: 204 },
    input: strict({ current: Password, next: Password }),
    output: shape({}),
    async run({ parley, actor }, input) {
      const result = await parley.changePassword.execute(actor, input)
      return result.ok ? ok({}) : result
    },
  }),
  forAnyone({
    id: 'resetPassword',
    summary: 'Set a new password with a code from an administrator; all logins end.',
    http: { method: 'POST', path: '/auth/password-reset', status: 204 },
    input: strict({ email: Email, code: Token, next: Password }),
    output: shape({}),
    async run({ parley, ip }, input) {
      const result = await parley.resetPassword.execute({ ...input, ip })
      return result.ok ? ok({}) : result
    },
  }),
  forUsers({
    id: 'listSessions',
    summary: 'The logins of the user.',
    http: { method: 'GET', path: '/auth/sessions', status: 200 },
    input: strict({}),
    output: shape({ sessions: listOf(Session) }),
    async run({ parley, actor }) {
      const result = await parley.listLogins.execute(actor)
      if (!result.ok) return result
      const { logins, currentId } = result.value
      return ok({ sessions: logins.map((login) => wireSession(login, currentId)) })
    },
  }),
  forUsers({
    id: 'endSession',
    summary: 'End one login of the user.',
    http: { method: 'DELETE', path: '/auth/sessions/:id', id: 'sessionId', status: 204 },
    input: strict({ sessionId: Id }),
    output: shape({}),
    async run({ parley, actor }, { sessionId }) {
      const result = await parley.endLogin.execute(actor, { loginId: sessionId })
      return result.ok ? ok({}) : result
    },
  }),
  forUsers({
    id: 'getProfile',
    summary: 'Who the caller is.',
    http: { method: 'GET', path: '/me', status: 200 },
    input: strict({}),
    output: ProfileAnswer,
    async run({ parley, actor }) {
      const result = await parley.getProfile.execute(actor)
      return result.ok ? ok({ user: wireUser(result.value), mediation: result.value.mediation }) : result
    },
  }),
  forUsers({
    id: 'updateProfile',
    summary: 'Change the display name, or turn hints and tips on own drafts on or off.',
    http: { method: 'PATCH', path: '/me', status: 200 },
    input: strict({ displayName: optional(nameOf(DISPLAY_NAME.max)), mediation: optional(OnOff) }),
    output: ProfileAnswer,
    async run({ parley, actor }, input) {
      const result = await parley.updateProfile.execute(actor, input)
      return result.ok ? ok({ user: wireUser(result.value), mediation: result.value.mediation }) : result
    },
  }),
]
