import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CompiledProgram, compileProgram } from '../../support/compiled.js'
import { Person, request, until } from '../../support/person.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { CLOCK_OFF_BY_MS } from '../servers/commands.js'
import { type FaultyServer, startFaultyServer } from './faulty-server.js'
import {
  crash,
  kill,
  limitFiles,
  openFiles,
  type ProcessTarget,
  shiftClock,
  stall,
  suspend,
  type Termination,
  terminate,
} from './process-actions.js'

const HOUR_MS = 3_600_000
const ANSWER_MS = 1_000

let obey: CompiledProgram
let database: TestDatabase
let variables: Record<string, string>
let target: ProcessTarget
let server: FaultyServer

beforeAll(async () => {
  obey = await compileProgram('tests/faults/servers/obey.ts')
  database = await testDatabase()
  variables = { DATABASE_URL: database.url, PARLEY_AUTH_SECRET: randomBytes(48).toString('base64url') }
  await run()
  target = {
    get server() {
      return server
    },
    start: () => run(),
    kill: () => server.kill(),
    stop: () => server.stop(),
  }
})
afterAll(async () => {
  await server?.kill()
  await obey?.remove()
  await database?.drop()
})

async function run(more: Record<string, string> = {}): Promise<void> {
  const nodeArguments = ['--max-old-space-size=96']
  server = await startFaultyServer({ ...variables, ...more }, { obey: obey.path, nodeArguments })
}

const answersWithin = async (ms: number, path = '/livez'): Promise<boolean> =>
  fetch(`${server.url}${path}`, { signal: AbortSignal.timeout(ms) }).then(
    ({ status }) => status === 200,
    () => false,
  )

/** What the server believes the time to be. */
const serverTime = async (ada: Person): Promise<number> => {
  // After a step back the limits let the first call pass a moment later.
  await until('it is allowed', async () => (await ada.http('GET', '/me')).status === 200)
  const { body } = await ada.http('POST', '/rooms', { name: 'A room' })
  return Date.parse((body.room as { createdAt: string }).createdAt)
}

describe('actions on a server process', () => {
  it('kill ends it by SIGKILL; healed, it runs again', async () => {
    const heal = await kill(target)
    expect(await server.ended()).toBeNull()
    await heal()
    expect(await answersWithin(ANSWER_MS)).toBe(true)
  })

  it('terminate ends it in order and tells how long that took', async () => {
    const ends: Termination[] = []
    const heal = await terminate(target, (end) => ends.push(end))
    expect(ends).toEqual([{ code: 0, tookMs: expect.any(Number) }])
    await heal()
    expect(await answersWithin(ANSWER_MS)).toBe(true)
  })

  it('suspend stops it until it is healed', async () => {
    const heal = await suspend(target)
    expect(await answersWithin(ANSWER_MS)).toBe(false)
    expect(await readFile(`/proc/${server.pid}/stat`, 'utf8')).toContain(') T ')
    await heal()
    expect(await answersWithin(5_000)).toBe(true)
  })

  it('stall holds its event loop for so long', async () => {
    await stall(target, { ms: 1_500 })
    await sleep(50)
    const startedAt = performance.now()
    expect(await answersWithin(10_000)).toBe(true)
    expect(performance.now() - startedAt).toBeGreaterThan(1_000)
  })

  for (const how of ['throw', 'reject'] as const)
    it(`crash by ${how} ends it with code 1 and one fatal line`, async () => {
      const ends: { code: number | null; output: string }[] = []
      const reading = setInterval(() => void answersWithin(ANSWER_MS, '/readyz'), 100)
      const heal = await crash(target, { how, onEnd: (code, output) => ends.push({ code, output }) })
      clearInterval(reading)
      expect(ends).toEqual([{ code: 1, output: expect.stringContaining('planted') }])
      await heal()
      expect(await answersWithin(ANSWER_MS)).toBe(true)
    })

  it('crash by fill-heap ends it at the limit of the heap', async () => {
    const ends: { code: number | null; output: string }[] = []
    const heal = await crash(target, {
      how: 'fill-heap',
      onEnd: (code, output) => ends.push({ code, output }),
    })
    expect(ends[0]?.code).not.toBe(0)
    expect(ends[0]?.output).toContain('heap out of memory')
    await heal()
  })

  it('shiftClock moves the time of day that the product sees, and back', async () => {
    const ada = await Person.signUp(server.url, 'Ada')
    const offByMs = async () => (await serverTime(ada)) - Date.now()
    expect(Math.abs(await offByMs())).toBeLessThan(60_000)
    const heal = await shiftClock(target, { byMs: -HOUR_MS })
    expect(Math.abs((await offByMs()) + HOUR_MS)).toBeLessThan(60_000)
    await heal()
    expect(Math.abs(await offByMs())).toBeLessThan(60_000)
    await server.kill()
    await run({ [CLOCK_OFF_BY_MS]: String(HOUR_MS) })
    const ben = await Person.signUp(server.url, 'Ben')
    expect(Math.abs((await serverTime(ben)) - Date.now() - HOUR_MS)).toBeLessThan(60_000)
  })

  it('limitFiles refuses it new descriptors beyond the spare ones, until it is healed', async () => {
    const ada = await Person.signUp(server.url, 'Ada')
    const before = await openFiles(server.pid)
    const heal = await limitFiles(target, { spare: 4 })
    // One that was taken in and never answered is refused as well; the client itself would wait for it without end.
    const unanswered = sleep(15_000).then(() => Promise.reject(new Error('not answered')))
    const sockets = Array.from({ length: 12 }, () =>
      Promise.race([ada.connect(server.url, { timeout: 2_000 }), unanswered]),
    )
    const outcomes = await Promise.allSettled(sockets)
    const connected = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(connected).toBeLessThan(12)
    expect(await openFiles(server.pid)).toBeLessThanOrEqual(before + 4)
    await heal()
    ada.close()
    // A connection that was opened under the limit may still be cut.
    const answers = () => request(server.url, 'GET', '/livez').catch(() => null)
    await until('it accepts again', async () => (await answers())?.status === 200)
  })
})
