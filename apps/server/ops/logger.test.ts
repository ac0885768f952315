import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.js'

function record(level = 'info') {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger(level, { write: (line) => void lines.push(JSON.parse(line)) })
  return { logger, lines }
}

describe('createLogger', () => {
  it('cuts texts, tokens, passwords and addresses out of whatever is logged (input I1)', () => {
    const { logger, lines } = record()
    const secret = 'seeded-secret'
    const fields = {
      text: secret,
      password: secret,
      accessToken: secret,
      refreshToken: secret,
      email: secret,
    }
    logger.info(fields, 'flat')
    logger.info({ input: fields, headers: { authorization: secret, cookie: secret } }, 'nested')
    logger.info({ request: { body: fields } }, 'deeper')
    expect(lines).toHaveLength(3)
    expect(JSON.stringify(lines)).not.toContain(secret)
  })

  it('tells of an error its kind and place, and none of the values in it (input I1)', () => {
    const { logger, lines } = record()
    const error = Object.assign(new Error('duplicate key value'), {
      code: '23505',
      detail: 'Key (email)=(seeded@example.org) already exists.',
      parameters: ['seeded-text'],
    })
    logger.error({ err: new Error('the store is away', { cause: error }) })
    logger.error({ err: error })
    expect(lines[1]).toMatchObject({ err: { message: 'duplicate key value', code: '23505' } })
    expect(JSON.stringify(lines)).toContain('logger.test')
    expect(JSON.stringify(lines)).not.toContain('seeded')
  })

  it('writes a bounded number of lines in a storm, and says how many it left out (input G8)', async () => {
    const { logger, lines } = record()
    for (let n = 0; n < 10_000; n += 1) logger.error({ n }, 'again')
    expect(lines.length).toBeLessThan(100)
    const written = lines.length
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    logger.error('later')
    expect(lines.slice(written)).toMatchObject([
      { suppressed: 10_000 - written, of: 'error' },
      { msg: 'later' },
    ])
  })

  it('writes an error in the midst of a storm of warnings, and a fatal line always (input G8)', () => {
    const { logger, lines } = record()
    for (let n = 0; n < 1_000; n += 1) logger.warn({ n }, 'the store is away')
    logger.error('a bug')
    for (let n = 0; n < 1_000; n += 1) logger.error({ n }, 'again')
    for (let n = 0; n < 100; n += 1) logger.fatal({ n }, 'cannot go on')
    expect(lines.filter(({ msg }) => msg === 'a bug')).toHaveLength(1)
    expect(lines.filter(({ msg }) => msg === 'cannot go on')).toHaveLength(100)
    expect(lines.filter(({ msg }) => msg === 'the store is away').length).toBeLessThan(100)
    expect(lines.filter(({ msg }) => msg === 'again').length).toBeLessThan(100)
  })

  it('leaves lines of lower levels alone', () => {
    const { logger, lines } = record()
    for (let n = 0; n < 500; n += 1) logger.info({ n }, 'fine')
    expect(lines).toHaveLength(500)
  })
})
