import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONVERSATION } from '../../apps/examples/demo/conversation.js'

/** What configures Parley in this shell must not reach the examples. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(PARLEY_|DATABASE_|NODE_ENV$|VITEST)/.test(name)),
)

describe('the demo', () => {
  it('plays its conversation to the end, and both people see the same of it', async () => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['dist/apps/examples/demo/main.js', '--pace', '0'],
      { env: environment, timeout: 110_000 },
    )
    expect(stderr).toBe('')
    const lines = stdout.trimEnd().split('\n')
    const seenBy = (name: string): string[] =>
      lines.flatMap((line) => (line.startsWith(`${name} sees`) ? [line.slice(line.indexOf('|') + 2)] : []))
    // Whoever reads is told to the other one alone.
    const events = (name: string): string[] =>
      seenBy(name).filter((line) => !line.includes('has read it all'))
    const said = CONVERSATION.flatMap((step) => ('say' in step ? [step] : []))
    const written = CONVERSATION.filter((step) => !('readAll' in step))

    expect(events('Nora')).toHaveLength(written.length)
    expect(events('Sam')).toEqual(events('Nora'))
    expect(said.length).toBeGreaterThan(5)
    for (const { who, say, replyTo } of said)
      expect(events('Sam')).toContain(`${who}: ${say}${replyTo === undefined ? '' : '  (a reply)'}`)
    expect(
      events('Nora').filter((line) => / (corrected: |reacted: |took a message back)/.test(line)),
    ).toHaveLength(3)
    expect(seenBy('Nora')).toContain('Sam has read it all')
    // Two of joining, which came before, are in the log as well.
    expect(lines.at(-1)).toBe(`Both have seen the same ${written.length + 2} events, in the same order.`)
  }, 120_000)
})

describe('a service that embeds the use cases', () => {
  let child: ChildProcess
  let comments: string

  beforeAll(async () => {
    child = spawn(process.execPath, ['dist/apps/examples/embed/main.js'], {
      env: { ...environment, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (child.stdout === null) throw new Error('the example has an output')
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    comments = /http:\S+$/.exec(line)?.[0] ?? ''
  })
  afterAll(async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  })

  async function ask(user: string, body?: unknown, url = comments) {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-desk-user': user },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const texts = async (user: string): Promise<string[]> =>
    ((await ask(user)).body.messages as { text: string }[]).map(({ text }) => text)

  it('keeps what its users say, in order, and stores a repeated comment once', async () => {
    const first = await ask('ana', { id: 'c-1', text: 'It prints stripes.' })
    expect(first.status).toBe(200)
    expect((await ask('ben', { id: 'c-1', text: 'Since when?' })).status).toBe(200)
    const repeated = await ask('ana', { id: 'c-1', text: 'It prints stripes.' })
    expect(repeated.status).toBe(200)
    expect(repeated.body.message).toEqual(first.body.message)
    expect(await ask('ana', { id: 'c-1', text: 'It smokes.' })).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    })
    expect(await texts('ana')).toEqual(['It prints stripes.', 'Since when?'])
    expect(await texts('ben')).toEqual(await texts('ana'))
  })

  it('does not let a stranger know that the ticket is there', async () => {
    const elsewhere = comments.replace(/[0-9a-f](?=\/comments)/, (digit) => (digit === '0' ? '1' : '0'))
    expect(elsewhere).not.toBe(comments)
    for (const body of [undefined, { id: 'c-9', text: 'Hello' }]) {
      const refused = await ask('eve', body)
      expect(refused.status).toBe(404)
      expect(refused).toEqual(await ask('eve', body, elsewhere))
    }
    expect(await ask('nobody')).toMatchObject({ status: 401 })
  })

  it('answers what is wrong with a comment', async () => {
    expect(await ask('ana', { id: 'c-2', text: ' ' })).toMatchObject({ status: 400 })
    expect(await ask('ana', { id: '', text: 'x' })).toMatchObject({ status: 400 })
    for (const body of ['no JSON', 'null', '{"id":7,"text":"x"}'])
      expect(await ask('ana', body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } })
  })
})
