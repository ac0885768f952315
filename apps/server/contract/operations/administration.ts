import Type from 'typebox'
import { LIFETIME_MS } from '../../../../core/domain/cache-lifetimes.js'
import { notFound } from '../../../../core/domain/refusal.js'
import { ok } from '../../../../core/domain/result.js'
import { Count, Id, optional, shape, strict, Time } from '../fields.js'
import { forAdministrators } from '../operation.js'
import { Overview } from '../overview.js'
import { isoTime } from '../to-wire.js'

/** One type of two names: of a union, a mistake would be told three times. */
const Lifetime = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: LIFETIME_MS.min,
  maximum: LIFETIME_MS.max,
  description: 'ms; null: as the environment says',
})

const Settings = shape({
  /** How long caches keep what is put there from now on, in ms. */
  lifetimes: shape({ sessionMs: Count, memberMs: Count, messagesMs: Count }),
})

export const administrationOperations = [
  forAdministrators({
    id: 'getSettings',
    summary: 'What operators may change while all instances run, as it is in force.',
    http: { method: 'GET', path: '/admin/settings', status: 200 },
    input: strict({}),
    output: Settings,
    run: ({ parley }) => parley.getSettings.execute(),
  }),
  forAdministrators({
    id: 'changeSettings',
    summary: 'Change settings on every instance, for good; what is left out stays.',
    http: { method: 'PATCH', path: '/admin/settings', status: 200 },
    input: strict({
      lifetimes: strict({
        sessionMs: optional(Lifetime),
        memberMs: optional(Lifetime),
        messagesMs: optional(Lifetime),
      }),
    }),
    output: Settings,
    run: ({ parley }, input) => parley.changeSettings.execute(input),
  }),
  forAdministrators({
    id: 'getOverview',
    summary: 'How the processes of this deployment are doing.',
    http: { method: 'GET', path: '/admin/overview', status: 200 },
    input: strict({}),
    output: Overview,
    async run({ overview }) {
      return overview === null ? notFound() : ok(await overview())
    },
  }),
  forAdministrators({
    id: 'setUserDisabled',
    summary: 'Shut an account out, ending all its logins, or let it in again.',
    http: { method: 'PATCH', path: '/admin/users/:id', id: 'userId', status: 204 },
    input: strict({ userId: Id, disabled: Type.Boolean() }),
    output: shape({}),
    async run({ parley }, input) {
      const result = await parley.setUserDisabled.execute(input)
      return result.ok ? ok({}) : result
    },
  }),
  forAdministrators({
    id: 'endSessionByAdministrator',
    summary: 'End one login of anyone.',
    http: { method: 'DELETE', path: '/admin/sessions/:id', id: 'sessionId', status: 204 },
    input: strict({ sessionId: Id }),
    output: shape({}),
    async run({ parley }, { sessionId }) {
      const result = await parley.endLoginByAdmin.execute({ loginId: sessionId })
      return result.ok ? ok({}) : result
    },
  }),
  forAdministrators({
    id: 'issuePasswordReset',
    summary: 'Make a code with which a user can set a new password.',
    http: { method: 'POST', path: '/admin/users/:id/password-reset', id: 'userId', status: 200 },
    input: strict({ userId: Id }),
    output: shape({ code: Type.String(), expiresAt: Time }),
    async run({ parley }, input) {
      const result = await parley.issuePasswordReset.execute(input)
      if (!result.ok) return result
      return ok({ code: result.value.code, expiresAt: isoTime(result.value.expiresAtMs) })
    },
  }),
]
