import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Instances, startInstances } from '../support/instances.js'
import { MemberLog, messagesOf, type WireMessage } from '../support/member-log.js'
import { type Ack, call, expectOk, Person, until } from '../support/person.js'
import { PostgresProxy } from '../support/postgres-proxy.js'
import { readRecord } from '../support/room-record.js'
import { type RunningServer, startServer } from '../support/server-process.js'

/** The sweep looks each second. */
const FOUND_BY_SWEEP_MS = 5_000

let instances: Instances
let doomed: RunningServer
let statements: PostgresProxy
let bus: PostgresProxy
let ada: Person
let roomId: string
/** What somebody at the server that stays is shown. */
let log: MemberLog

beforeEach(async () => {
  instances = await startInstances(1)
  const { variables, urls } = instances
  const { DATABASE_URL = '' } = variables
  statements = await PostgresProxy.start(DATABASE_URL)
  bus = await PostgresProxy.start(DATABASE_URL)
  doomed = await startServer({ ...variables, DATABASE_URL: statements.url, DATABASE_DIRECT_URL: bus.url })
  ada = await Person.signUp(doomed.url, 'Ada')
  const ben = await Person.signUp(urls[0] ?? '', 'Ben')
  roomId = await ada.createRoom()
  await ada.invite(roomId, ben)
  log = await MemberLog.join(await ben.connect(), roomId)
})
afterEach(async () => {
  await doomed.kill()
  await statements.close()
  await bus.close()
  await instances.stop()
})

const draft = () => ({ roomId, clientMessageId: 'm-1', text: 'See you at the harbour' })

async function retryElsewhere(): Promise<WireMessage> {
  const socket = await ada.connect(instances.urls[0])
  const { message } = await expectOk(call(socket, 'message:send', draft()))
  return message as WireMessage
}

/** One message, the same for the sender who asked again, for the other member and in the tables, in a log without a hole. */
async function expectOnce(message: WireMessage): Promise<void> {
  await until('the other member is shown the message', () => log.headSeq === message.seq)
  const { head, messages, events } = await readRecord(instances, roomId)
  expect(messages).toMatchObject([{ id: message.id, seq: message.seq, text: message.text }])
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, index) => index + 1))
  expect(messagesOf(log.events)).toEqual([message])
  expect(log.anomalies).toEqual([])
  expect(log.headSeq).toBe(head)
}

describe('a server that is killed in the middle of a send', () => {
  it('fault N1: has stored nothing before the commit, and a retry elsewhere stores it', async () => {
    const socket = await ada.connect()
    const kept = statements.keepAnswer(draft().text, 'INSERT 0 1')
    let ack: Ack | null = null
    const sending = call(socket, 'message:send', draft()).then(
      (answer) => {
        ack = answer
      },
      () => undefined,
    )
    await kept
    expect((await readRecord(instances, roomId)).messages).toEqual([])
    await doomed.kill()
    await sending
    expect(ack).toBeNull()
    await expectOnce(await retryElsewhere())
  })

  it('fault N1: has stored it after the commit and before the ack; others are shown it, and a retry is answered the same', async () => {
    const socket = await ada.connect()
    const kept = statements.keepAnswer(draft().text, 'COMMIT')
    let ack: Ack | null = null
    const sending = call(socket, 'message:send', draft()).then(
      (answer) => {
        ack = answer
      },
      () => undefined,
    )
    await kept
    await doomed.kill()
    await sending
    expect(ack).toBeNull()
    const { messages } = await readRecord(instances, roomId)
    expect(messages).toHaveLength(1)
    // Nobody has told the other server.
    await until('the sweep finds it', () => messagesOf(log.events).length === 1, FOUND_BY_SWEEP_MS)
    const retried = await retryElsewhere()
    expect(retried).toMatchObject({ id: messages[0]?.id, seq: messages[0]?.seq })
    await expectOnce(retried)
  })

  it('fault N1: is found out by the others when it has acked and told nobody', async () => {
    const socket = await ada.connect()
    await bus.freeze()
    const { message } = await expectOk(call(socket, 'message:send', draft()))
    await doomed.kill()
    await until('the sweep finds it', () => messagesOf(log.events).length === 1, FOUND_BY_SWEEP_MS)
    expect(await retryElsewhere()).toEqual(message)
    await expectOnce(message as WireMessage)
  })
})
