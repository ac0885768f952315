import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, HTTP_STATUS, wireThrown } from '../../../apps/server/contract/errors.js'
import { answerErrors } from '../../../apps/server/http/errors.js'
import { sendProblem } from '../../../apps/server/http/problem.js'
import { PortUnavailable } from '../../../core/ports/port-unavailable.js'

function serverThatThrows(error: Error) {
  const app = fastify()
  answerErrors(app)
  app.get('/broken', () => Promise.reject(error))
  return app
}

describe('errors', () => {
  it('have a status each', () => {
    expect(Object.keys(HTTP_STATUS).sort()).toEqual([...ERROR_CODES].sort())
  })

  it('that are bugs tell nothing of their cause (input I2)', async () => {
    const bug = new Error('syntax error at or near "SELECT * FROM accounts"')
    const answer = await serverThatThrows(bug).inject('/broken')
    expect(answer.statusCode).toBe(500)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ type: 'about:blank', status: 500, code: 'INTERNAL' })
    expect(answer.body).not.toMatch(/SELECT|accounts|\.ts|at /)
    expect(JSON.stringify(wireThrown(bug))).not.toMatch(/SELECT/)
  })

  it('of an outage say when to come back', async () => {
    const outage = new PortUnavailable('RoomLogPort', new Error('ECONNREFUSED 10.1.2.3'), 1_500)
    const answer = await serverThatThrows(outage).inject('/broken')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('2')
    expect(answer.json()).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_500 })
    expect(answer.body).not.toContain('10.1.2.3')
  })

  it('answer an unknown path like a thing that is not there', async () => {
    const answer = await serverThatThrows(new Error()).inject('/elsewhere')
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('carry their details, and name the scheme that a 401 asks for', async () => {
    const app = fastify()
    app.get('/a', (_request, reply) =>
      sendProblem(reply, {
        code: 'VALIDATION_FAILED',
        message: 'no',
        details: [{ path: 'a', message: 'b' }],
      }),
    )
    app.get('/b', (_request, reply) => sendProblem(reply, { code: 'UNAUTHENTICATED', message: 'no' }))
    expect((await app.inject('/a')).json()).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'no',
      code: 'VALIDATION_FAILED',
      details: [{ path: 'a', message: 'b' }],
    })
    expect((await app.inject('/b')).headers['www-authenticate']).toBe('Bearer')
  })
})
