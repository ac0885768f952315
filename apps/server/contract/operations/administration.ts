import Type from 'typebox'
import { notFound } from '../../../../core/domain/refusal.js'
import { ok } from '../../../../core/domain/result.js'
import { Id, shape, strict, Time } from '../fields.js'
import { forAdministrators } from '../operation.js'
import { Overview } from '../overview.js'
import { isoTime } from '../to-wire.js'

export const administrationOperations = [
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
