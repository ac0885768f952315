import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemberLog, messagesOf } from '../support/member-log.js'
import { call, expectOk, Person, until } from '../support/person.js'
import { type TemporaryDirectory, temporaryDirectory } from '../support/postgres-cluster.js'
import { type RunningServer, ServerDidNotStart, startServer } from '../support/server-process.js'

let directory: TemporaryDirectory
let first: RunningServer
beforeEach(async () => {
  directory = await temporaryDirectory()
  first = await startServer({ PARLEY_DATA_DIR: directory.dataDir, PARLEY_LIMIT_FACTOR: '1000' })
})
afterEach(async () => {
  await first.kill()
  await directory.remove()
})

describe('a second server on one data directory', () => {
  it('fault P12: refuses to start and names the first, which goes on sending unharmed', async () => {
    const ada = await Person.signUp(first.url, 'Ada')
    const roomId = await ada.createRoom()
    const socket = await ada.connect()
    const log = await MemberLog.join(socket, roomId)
    let sent = 0
    let refusals = 0
    const sending = (async () => {
      while (refusals < 3) {
        sent += 1
        const draft = { roomId, clientMessageId: `m-${sent}`, text: `number ${sent}` }
        await expectOk(call(socket, 'message:send', draft))
      }
    })()

    for (; refusals < 3; refusals += 1) {
      const second = startServer({ PARLEY_DATA_DIR: directory.dataDir })
      const error = await second.then(
        () => new Error('the second server started'),
        (refusal: unknown) => refusal,
      )
      expect(error).toBeInstanceOf(ServerDidNotStart)
      const { exitCode, output } = error as ServerDidNotStart
      expect(exitCode).toBe(1)
      const lines = output.trimEnd().split('\n')
      expect(lines).toHaveLength(1)
      expect(lines[0]).toContain(`pid ${first.pid}`)
      expect(lines[0]).toContain(directory.dataDir)
      expect(lines[0]).toContain('DATABASE_URL')
    }

    await sending
    expect(sent).toBeGreaterThan(10)
    await until('the last message was pushed', () => messagesOf(log.events).length === sent)
    expect(socket.connected).toBe(true)
    expect((await ada.http('GET', '/me')).status).toBe(200)
    expect(first.output().split('\n').filter(Boolean)).toEqual([`Parley is ready: ${first.url}`])
    ada.close()
    expect(await first.stop()).toBe(0)
  }, 120_000)
})
